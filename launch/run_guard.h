// Runs the program and turns whatever happens into one line on standard error and an exit code.
#pragma once

namespace bertha {

int run_program(int argc, char** argv);

}  // namespace bertha
