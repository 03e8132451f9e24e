// The program in which pictures are decoded: started by darkshelf, spoken to through shared memory, of no use to
// people.

#include <cstdio>

#include "photo/decoders/examine.hpp"

int main(int argc, char**) {
  if (argc != 2) {
    std::fputs("darkshelf-photo is started by darkshelf, to look into pictures. Type: darkshelf help\n", stderr);
    return 2;
  }
  return darkshelf::photo::serve_as_worker();
}
