// The program: MPI starts, then argv is read, then one command runs under the run guard.
#include "launch/run_guard.h"

int main(int argc, char** argv) {
  return bertha::run_program(argc, argv);
}
