// The unit tests: pure parts of the server; no server runs, nothing waits long. One executable, one file of tests for
// each unit. Run them with `dev/test unit`, or one of them with `unit_tests --test-case='name*'`.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
