// [tokenizer] of a run against the corpus that it trains on, which brings its own.
#pragma once

#include "launch/run_config.h"

namespace bertha {

// For data.corpus made by `prepare`: Error{usage} where [tokenizer] was given and is not what the
// corpus was made with; else `config` with the corpus' settings among its resolved options, so that
// resolved.ini says what was used. Foreign shards say none of it: `config` as it is.
RunConfig with_corpus_tokenizer(RunConfig config);

}  // namespace bertha
