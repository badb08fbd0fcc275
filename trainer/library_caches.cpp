// Through the environment: LibTorch offers no other way to its own cache.
#include "trainer/library_caches.h"

#include <cstdlib>
#include <string>

namespace bertha {

void bound_library_caches() {
  const auto count = std::to_string(kLibraryPrimitives);
  ::setenv("LRU_CACHE_CAPACITY", count.c_str(), 0);
  if (std::getenv("DNNL_PRIMITIVE_CACHE_CAPACITY") != nullptr) return;  // its older name
  ::setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", count.c_str(), 0);
}

}  // namespace bertha
