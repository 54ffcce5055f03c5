// pythonfilter: the mail filter server. Without arguments it serves, because courierfilter gives none.
#include "master/check_command.h"
#include "master/command_line.h"
#include "master/serve.h"

int main(int argc, char** argv) {
    using namespace pythonfilter;
    const CommandLine line = parse_command_line(argc, argv);
    if (line.exit_status) return *line.exit_status;
    switch (line.action) {
        case CommandLine::Action::check: return check_command({line.instance, line.config_file});
        case CommandLine::Action::master_of_guardian: return serve_for_guardian(line);
        case CommandLine::Action::successor: return serve_as_successor(line, argv[0]);
        case CommandLine::Action::serve: break;
    }
    return serve(line, argc > 0 ? argv[0] : nullptr);
}
