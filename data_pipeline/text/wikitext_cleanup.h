// Mends what removed markup leaves behind: spaces, empty brackets, orphaned punctuation.
#pragma once

#include <string_view>

#include "data_pipeline/text/paragraphs.h"

namespace bertha {

// Splits at blank lines, joins the lines of each paragraph, tidies it; paragraphs without a letter
// or digit are left out. Of a text that no author wrote: paragraphs over 1 MiB are cut, and those
// beyond 128 MiB of memory are joined.
Paragraphs tidy_paragraphs(std::string_view text);

}  // namespace bertha
