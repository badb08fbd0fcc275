// Streams side by side in the lanes of vectors, or one by one.
#include "parallel/base/philox_streams.h"

#include "parallel/base/philox_avx2.h"
#include "parallel/base/philox_avx512.h"

namespace bertha {
namespace {

template <std::size_t kNumbers>
void draw_plain(const PhiloxStreams& of, FirstNumbers& numbers) {
  for (std::size_t s = 0; s < kStreamsAtOnce; ++s) {
    const auto low = static_cast<std::uint32_t>(of.streams[s]);
    const auto high = static_cast<std::uint32_t>(of.streams[s] >> 32);
    for (std::uint32_t n = 0; n < kNumbers / 2; ++n) {
      const auto words = philox_block({n, of.substream, low, high}, of.key.low, of.key.high);
      numbers[2 * n][s] = std::uint64_t{words[0]} << 32 | words[1];
      numbers[2 * n + 1][s] = std::uint64_t{words[2]} << 32 | words[3];
    }
  }
}

#if defined(__x86_64__)
// Of two words in the low halves of lanes.
[[gnu::target("avx2"), gnu::always_inline]] inline void store_pairs(std::uint64_t* out,
                                                                    __m256i high, __m256i low) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(out),
                     _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA));
}

[[gnu::target("avx2"), gnu::always_inline]] inline void store_block(FirstNumbers& numbers,
                                                                    std::size_t n, std::size_t s,
                                                                    const FourBlocks& block) {
  store_pairs(&numbers[n][s], block.word0, block.word1);
  store_pairs(&numbers[n + 1][s], block.word2, block.word3);
}

[[gnu::target("avx2"), gnu::always_inline]] inline FourBlocks four_blocks(const PhiloxStreams& of,
                                                                          std::size_t s,
                                                                          long long block) {
  const __m256i streams = _mm256_load_si256(reinterpret_cast<const __m256i*>(&of.streams[s]));
  return {_mm256_set1_epi64x(block), _mm256_set1_epi64x(of.substream), streams,
          _mm256_srli_epi64(streams, 32)};
}

template <std::size_t kNumbers>
[[gnu::target("avx2")]] void draw_avx2(const PhiloxStreams& of, FirstNumbers& numbers) {
  constexpr std::size_t kLanes = 4;
  if constexpr (kNumbers == 4) {
    for (std::size_t s = 0; s < kStreamsAtOnce; s += kLanes) {
      auto first = four_blocks(of, s, 0), second = four_blocks(of, s, 1);
      philox_rounds(first, second, of.key.low, of.key.high);
      store_block(numbers, 0, s, first);
      store_block(numbers, 2, s, second);
    }
  } else {
    for (std::size_t s = 0; s < kStreamsAtOnce; s += 2 * kLanes) {
      auto left = four_blocks(of, s, 0), right = four_blocks(of, s + kLanes, 0);
      philox_rounds(left, right, of.key.low, of.key.high);
      store_block(numbers, 0, s, left);
      store_block(numbers, 0, s + kLanes, right);
    }
  }
}

[[gnu::target("avx512f"), gnu::always_inline]] inline void store_pairs(std::uint64_t* out,
                                                                       __m512i high, __m512i low) {
  _mm512_store_si512(out, _mm512_mask_blend_epi32(0xAAAA, low, _mm512_slli_epi64(high, 32)));
}

template <std::size_t kNumbers>
[[gnu::target("avx512f")]] void draw_avx512(const PhiloxStreams& of, FirstNumbers& numbers) {
  for (std::size_t s = 0; s < kStreamsAtOnce; s += 8) {
    const __m512i streams = _mm512_load_si512(&of.streams[s]);
    const __m512i high = _mm512_srli_epi64(streams, 32);
    for (std::size_t n = 0; n < kNumbers; n += 2) {
      EightBlocks blocks{_mm512_set1_epi64(static_cast<long long>(n / 2)),
                         _mm512_set1_epi64(of.substream), streams, high};
      philox_rounds(blocks, of.key.low, of.key.high);
      store_pairs(&numbers[n][s], blocks.word0, blocks.word1);
      store_pairs(&numbers[n + 1][s], blocks.word2, blocks.word3);
    }
  }
}
#endif

}  // namespace

std::vector<FirstNumberWays> first_number_ways() {
  std::vector<FirstNumberWays> ways{{draw_plain<2>, draw_plain<4>}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) ways.push_back({draw_avx2<2>, draw_avx2<4>});
  if (__builtin_cpu_supports("avx512f")) ways.push_back({draw_avx512<2>, draw_avx512<4>});
#endif
  return ways;
}

}  // namespace bertha
