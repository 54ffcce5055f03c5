// TempDir: a directory for one test, removed with all that is in it when the test ends. For tests of what reads files.
#pragma once

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace pythonfilter {

class TempDir {
public:
    TempDir() : path_((std::filesystem::temp_directory_path() / "unit-XXXXXX").string()) {
        REQUIRE(mkdtemp(path_.data()) != nullptr);
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::string& path() const { return path_; }
    std::string path(const std::string& name) const { return path_ + "/" + name; }

    /// Returns the path of the new file.
    std::string write(const std::string& name, std::string_view content) const {
        std::ofstream(path(name), std::ios::binary) << content;
        return path(name);
    }
    /// A shell script that can be run.
    std::string write_script(const std::string& name, const std::string& body) const {
        const std::string script = write(name, "#!/bin/sh\n" + body);
        std::filesystem::permissions(script, std::filesystem::perms::owner_all);
        return script;
    }

private:
    std::string path_;
};

}  // namespace pythonfilter
