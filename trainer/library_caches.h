// How much oneDNN, which multiplies in bf16 and fp16 on CPUs, keeps of what it has made.
#pragma once

namespace bertha {

// For every shape of a product oneDNN writes code, and keeps that of the last so many shapes; so
// does LibTorch beside it. A step of a model of any depth takes about fifty; most of the next
// step's are new, as batches differ in tokens and masked positions. Left alone the two keep 1,024
// each, which came to 900 MB within 120 steps.
inline constexpr int kLibraryPrimitives = 64;

// Before their first product: says so in the environment, unless the user has
// (LRU_CACHE_CAPACITY, ONEDNN_PRIMITIVE_CACHE_CAPACITY or DNNL_PRIMITIVE_CACHE_CAPACITY).
void bound_library_caches();

}  // namespace bertha
