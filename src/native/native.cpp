// courier._native: what courier.control does with control files, on top of message/control_file. Only the modules of
// the courier package call it, and the server's worker, which registers the files of its message. What lives where:
//
//   native.cpp      the functions that Python sees, nothing else
//   control_data.*  what get_control_data() returns
//   arguments.*     Python values -> paths, record values; and errors back
//   text.*          the decoding rule (try_decode) and its way back
//   task_files.*    which files the current message consists of; in a worker, their descriptors and what it has read
//
// It never keeps anything about a message but that list, and it keeps the GIL (small local files, and the list is
// shared) except while an append waits for the disk.
#include "native/arguments.h"
#include "native/control_data.h"
#include "native/task_files.h"
#include "native/text.h"

#include "message/control_file.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace pythonfilter::native {

namespace {

/// Calls `use` with the visible text of each file, in order, until it returns false.
template <class Use>
void for_each_file(const py::iterable& control_paths, Use use) {
    ControlReader reader;
    for (const auto& path : control_paths)
        if (!use(reader.read(path))) return;
}

/// Calls `use` with the recipients of each file, those that are done included.
template <class Use>
void for_each_table(const py::iterable& control_paths, Use use) {
    RecipientTable table;
    for_each_file(control_paths, [&](std::string_view text) {
        table.begin_file();
        table.add_all(text);
        use(table.finish());
        return true;
    });
}

py::list get_lines(const py::iterable& control_paths, std::string_view key, long max_lines) {
    ObjectList lines;
    if (key.size() != 1) return lines.take();
    for_each_file(control_paths, [&](std::string_view text) {
        ControlRecords records(text);
        for (ControlRecord record; records.next(record);) {
            if (record.letter != key[0]) continue;
            lines.add(new_text(record.value));
            if (max_lines > 0 && static_cast<long>(lines.size()) >= max_lines) return false;
        }
        return true;
    });
    return lines.take();
}

py::list get_recipients(const py::iterable& control_paths) {
    ObjectList addresses;
    for_each_table(control_paths, [&](std::span<const Recipient> recipients) {
        for (const auto& recipient : recipients)
            if (is_open(recipient)) addresses.add(new_text(recipient.address));
    });
    return addresses.take();
}

py::list get_recipients_data(const py::iterable& control_paths) {
    ObjectList all;
    for_each_table(control_paths, [&](std::span<const Recipient> recipients) { append_recipients(all, recipients); });
    return all.take();
}

/// The open recipients of one file with their numbers: (index, [address, original, dsn]).
py::list open_recipients_of(const py::object& control_path) {
    py::list all;
    ControlReader reader;
    for (const auto& recipient : open_recipients(reader.read(control_path)))
        all.append(py::make_tuple(recipient.index, recipient_data(recipient)));
    return all;
}

void append_recipient(const py::object& control_path, const py::handle& address, const py::handle& original,
                      const py::handle& dsn) {
    const auto r = to_record_value(address);
    const auto R = to_record_value(original);
    const auto N = to_record_value(dsn);
    if (is_blank(r)) throw py::value_error("the address of a recipient is empty");
    const auto fd = open_for_append(control_path);
    const ControlRecord records[] = {{'r', r}, {'R', R}, {'N', N}};
    throw_on_error(without_gil([&] { return append_records(fd.get(), records); }), control_path);
}

void mark_done(const py::object& control_path, std::uint32_t index, std::int64_t unix_time) {
    const auto fd = open_for_append(control_path);
    throw_on_error(without_gil([&] { return append_removal(fd.get(), index, unix_time); }), control_path);
}

}  // namespace

}  // namespace pythonfilter::native

PYBIND11_MODULE(_native, module) {
    using namespace pythonfilter::native;
    module.doc() = "Courier's control files, for courier.control.";
    module.def("try_decode", [](const py::bytes& value) { return to_text(std::string_view(value)); }, py::arg("value"));
    module.def("get_lines", &get_lines, py::arg("control_paths"), py::arg("key"), py::arg("max_lines"));
    module.def("get_recipients", &get_recipients, py::arg("control_paths"));
    module.def("get_recipients_data", &get_recipients_data, py::arg("control_paths"));
    module.def("open_recipients", &open_recipients_of, py::arg("control_path"));
    module.def("get_control_data", &control_data, py::arg("control_paths"));
    module.def("append_recipient", &append_recipient, py::arg("control_path"), py::arg("address"), py::arg("original"),
               py::arg("dsn"));
    module.def("mark_done", &mark_done, py::arg("control_path"), py::arg("index"), py::arg("unix_time"));
    module.attr(pythonfilter::TaskFileCalls::kAttribute) = task_file_calls();
    module.def("_register_task_files", &register_task_files, py::arg("files"));
    module.def("_clear_task_files", &clear_task_files);
    module.def("_task_file_id", &task_file_id, py::arg("path"));
    module.def("_replace_task_file", &replace_task_file, py::arg("path"), py::arg("device"), py::arg("inode"));
}
