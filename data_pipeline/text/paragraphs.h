// The paragraphs of a document, end to end in one text that keeps its memory from document to
// document.
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

class Paragraphs {
 public:
  using value_type = std::string_view;

  bool empty() const { return ends_.empty(); }
  std::size_t size() const { return ends_.size(); }
  // Views are over with the next change.
  std::string_view operator[](std::size_t place) const {
    const std::size_t begin = place == 0 ? 0 : ends_[place - 1];
    return std::string_view(text_).substr(begin, ends_[place] - begin);
  }
  std::string_view back() const { return (*this)[size() - 1]; }

  void add(std::string_view paragraph) {
    text_ += paragraph;
    ends_.push_back(text_.size());
  }
  // The last one goes on with a space and `more`.
  void extend(std::string_view more) {
    text_ += ' ';
    text_ += more;
    ends_.back() = text_.size();
  }
  // What a large document needed is freed; less is kept for the next.
  void clear() {
    if (text_.capacity() > kMostKept) text_ = {};
    if (ends_.capacity() > kMostKept / sizeof(std::size_t)) ends_ = {};
    text_.clear();
    ends_.clear();
  }

  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = value_type;

    const_iterator() = default;
    const_iterator(const Paragraphs& all, std::size_t place) : all_(&all), place_(place) {}
    value_type operator*() const { return (*all_)[place_]; }
    const_iterator& operator++() {
      ++place_;
      return *this;
    }
    const_iterator operator++(int) { return {*all_, place_++}; }
    bool operator==(const const_iterator&) const = default;

   private:
    const Paragraphs* all_ = nullptr;
    std::size_t place_ = 0;
  };
  const_iterator begin() const { return {*this, 0}; }
  const_iterator end() const { return {*this, size()}; }
  bool operator==(const Paragraphs&) const = default;

 private:
  static constexpr std::size_t kMostKept = std::size_t{4} << 20;

  std::string text_;
  std::vector<std::size_t> ends_;  // of each, in the text
};

}  // namespace bertha
