// The words of an answer as SQuAD's scores compare them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// In lower case, without ASCII punctuation, without the articles a, an and the, parted at white
// space; what is a letter, white space or lower case is Unicode's (and Python's) opinion. Invalid
// UTF-8 counts as U+FFFD.
std::vector<std::string> answer_words(std::string_view text);

}  // namespace bertha
