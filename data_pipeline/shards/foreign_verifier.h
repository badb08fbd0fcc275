// Checks a folder of foreign shards, or one, thoroughly, and says what looks odd.
#pragma once

#include <filesystem>

#include "data_pipeline/shards/corpus_verifier.h"

namespace bertha {

// Faults: what keeps a shard from training (the first of each shard), shards of the same content,
// and files whose next-sentence labels are nearly all the same or whose masks nobody can have meant
// so. Notices: what is merely unusual in them (foreign_rates.h). `vocabulary` empty: vocab.txt
// beside the shards; without one ids are not checked, which is a notice.
VerifyReport verify_foreign(const std::filesystem::path& folder_or_shard,
                            const std::filesystem::path& vocabulary,
                            const VerifyProgress& progress);

}  // namespace bertha
