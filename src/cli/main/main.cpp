#include "cli/program.hpp"

int main(int argc, char** argv) { return darkshelf::cli::run_program(argc, argv); }
