// The page of `bertha report CORPUS`.
#pragma once

#include <string>

#include "launch/run_config.h"

namespace bertha {

// Of the corpus in data.corpus, its samples as the options of [data] and [masking] make them.
std::string render_corpus_report(const RunConfig& config);

}  // namespace bertha
