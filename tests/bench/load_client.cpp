// The load client: asks a filter server about messages with N clients at once, as fast as it answers, and prints as
// JSON how many, how long each took, and what came back. Run by tests/bench/load.py for dev/bench and for the chaos
// tests. This file reads the command line; load.cpp or submits.cpp does the work.
#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "load.h"
#include "submits.h"

namespace {

using pythonfilter::bench::Judge;
using pythonfilter::bench::Load;
using pythonfilter::bench::Options;

std::vector<std::string> read_requests(const std::string& path, const std::string& last) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    std::vector<std::string> requests;
    std::size_t begin = 0;
    for (std::size_t end; (end = all.find(last, begin)) != std::string::npos; begin = end + last.size()) {
        requests.push_back(all.substr(begin, end + last.size() - begin));
    }
    return requests;
}

std::vector<std::string> read_lines(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

[[noreturn]] void usage(int status) {
    std::fputs("usage: load_client --socket PATH --messages FILE [--clients N] [--count N] [--seconds S]\n"
               "                   [--timeout S] [--replies FILE] [--allowed REPLY]... [--lines] [--submits]\n\n"
               "FILE holds requests one after the other: path of the body, paths of the control files, an empty line;\n"
               "at least as many as there are clients. --count or --seconds must be given; with both the first to be\n"
               "reached ends the run. --replies names a file with a line for each request: the reply it must get,\n"
               "unless it gets an allowed one. With --lines each request is one line, and so is each reply. With\n"
               "--submits each client is a process that waits in read(2), as Courier's submit does; --seconds must\n"
               "be given, and --count not. Prints JSON. Exit status: 0 when it could work, whatever the server\n"
               "answered.\n",
               status == 0 ? stdout : stderr);
    std::exit(status);
}

[[noreturn]] void fail(const char* message) {
    std::fprintf(stderr, "load_client: %s\n", message);
    std::exit(2);
}

Options parse(int argc, char** argv) {
    static const option names[] = {
        {"socket", required_argument, nullptr, 's'},  {"messages", required_argument, nullptr, 'm'},
        {"clients", required_argument, nullptr, 'c'}, {"count", required_argument, nullptr, 'n'},
        {"seconds", required_argument, nullptr, 't'}, {"timeout", required_argument, nullptr, 'o'},
        {"replies", required_argument, nullptr, 'r'}, {"allowed", required_argument, nullptr, 'a'},
        {"lines", no_argument, nullptr, 'l'},         {"submits", no_argument, nullptr, 'p'},
        {"help", no_argument, nullptr, 'h'}, {}};
    Options options;
    for (int letter; (letter = getopt_long(argc, argv, "h", names, nullptr)) != -1;) {
        switch (letter) {
            case 's': options.socket = optarg; break;
            case 'm': options.messages = optarg; break;
            case 'c': options.clients = std::atoi(optarg); break;
            case 'n': options.count = std::strtoull(optarg, nullptr, 10); break;
            case 't': options.seconds = std::atof(optarg); break;
            case 'o': options.timeout_seconds = std::atof(optarg); break;
            case 'r': options.replies = optarg; break;
            case 'a': options.allowed.emplace_back(optarg); break;
            case 'l': options.lines = true; break;
            case 'p': options.submits = true; break;
            case 'h': usage(0);
            default: usage(2);
        }
    }
    if (optind != argc || options.socket.empty() || options.messages.empty()) usage(2);
    if (options.count == 0 && options.seconds <= 0) usage(2);
    if (options.submits && (options.count > 0 || options.seconds <= 0)) usage(2);
    if (options.clients < 1) fail("at least one client is needed");
    if (options.socket.size() >= sizeof sockaddr_un{}.sun_path) fail("the path of the socket is too long");
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    std::vector<std::string> requests = read_requests(options.messages, options.lines ? "\n" : "\n\n");
    if (requests.size() < static_cast<std::size_t>(options.clients)) fail("fewer messages than clients");
    std::vector<std::string> replies;
    if (!options.replies.empty()) {
        replies = read_lines(options.replies);
        if (replies.size() != requests.size()) fail("not as many replies as requests");
    }
    if (options.submits) {
        const Judge judge(options, std::move(replies));
        pythonfilter::bench::print_tally(run_submits(options, requests, judge), options.clients);
        return 0;
    }
    Load load(options, std::move(requests), std::move(replies));
    load.run();
    pythonfilter::bench::print_tally(load.tally(), options.clients);
}
