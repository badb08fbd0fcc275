// The program: MPI starts, then argv is read, then one command runs under the run guard.
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "launch/run_guard.h"

int main(int argc, char** argv) {
  const int code = bertha::run_program(argc, argv);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they report at the end
  // Everything of ours is closed by now. What is left is LibTorch unregistering its operators one
  // by one, which takes a quarter of the time that a short command takes.
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  std::_Exit(code);
#else
  return code;
#endif
}
