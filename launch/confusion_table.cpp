// Columns as wide as what stands in them.
#include "launch/confusion_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr std::size_t kMostColumns = 12;
constexpr std::size_t kNameColumns = 28;

// Columns of a terminal that a code point takes: two for East Asian ones, none for combining marks.
std::size_t columns_of(std::uint32_t code) {
  if (code >= 0x300 && code < 0x370) return 0;
  const bool wide = (code >= 0x1100 && code < 0x1160) || (code >= 0x2E80 && code < 0xA4D0) ||
                    (code >= 0xAC00 && code < 0xD7A4) || (code >= 0xF900 && code < 0xFB00) ||
                    (code >= 0xFE30 && code < 0xFE70) || (code >= 0xFF00 && code < 0xFF61) ||
                    (code >= 0x1F300 && code < 0x1FB00) || (code >= 0x20000 && code < 0x3FFFE);
  return wide ? 2 : 1;
}

// The code point that begins at `at`, which moves behind it; text is valid UTF-8.
std::uint32_t next_code(const std::string& text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  std::uint32_t code = first < 0x80 ? first : first < 0xE0 ? first & 0x1FU : first & 0x0FU;
  if (first >= 0xF0) code = first & 0x07U;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    code = code << 6U | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  }
  return code;
}

struct Name {
  std::string text;
  std::size_t columns = 0;
};

// One line, at most kNameColumns wide; "..." ends what was cut.
Name shown(const std::string& label) {
  Name whole, cut;
  for (std::size_t at = 0; at < label.size();) {
    const auto begin = at;
    const auto code = next_code(label, at);
    const bool control = code < 0x20 || code == 0x7F;
    whole.text += control ? " " : label.substr(begin, at - begin);
    whole.columns += control ? 1 : columns_of(code);
    if (whole.columns + 3 <= kNameColumns) cut = whole;
  }
  if (whole.columns <= kNameColumns) return whole;
  return {cut.text + "...", cut.columns + 3};
}

struct Layout {
  std::vector<Name> names;
  std::size_t number_columns = 1, name_columns = 5, count_columns = 1;
};

Layout layout_of(const std::vector<std::string>& labels, const ConfusionMatrix& counts) {
  Layout layout;
  layout.number_columns = std::to_string(labels.size()).size();
  layout.count_columns = layout.number_columns;
  for (const auto& label : labels) {
    layout.names.push_back(shown(label));
    layout.name_columns = std::max(layout.name_columns, layout.names.back().columns);
  }
  for (const auto& row : counts) {
    for (const auto count : row) {
      layout.count_columns = std::max(layout.count_columns, std::to_string(count).size());
    }
  }
  return layout;
}

std::string row_head(const Layout& layout, std::size_t label) {
  const auto& name = layout.names[label];
  return fmt::format("{:>{}}  {}{}", label + 1, layout.number_columns, name.text,
                     std::string(layout.name_columns - name.columns, ' '));
}

std::string matrix(const Layout& layout, const ConfusionMatrix& counts) {
  std::string text = "labels in rows, predictions in columns\n" +
                     std::string(layout.number_columns + 2 + layout.name_columns, ' ');
  for (std::size_t label = 0; label < counts.size(); ++label) {
    text += fmt::format("  {:>{}}", label + 1, layout.count_columns);
  }
  text += "\n";
  for (std::size_t label = 0; label < counts.size(); ++label) {
    text += row_head(layout, label);
    for (const auto count : counts[label]) {
      text += fmt::format("  {:>{}}", count, layout.count_columns);
    }
    text += "\n";
  }
  return text;
}

std::string summary(const Layout& layout, const ConfusionMatrix& counts) {
  std::string text = "of each label: examples, how many were right, what it was mostly taken for\n";
  for (std::size_t label = 0; label < counts.size(); ++label) {
    const auto& row = counts[label];
    const auto all = std::accumulate(row.begin(), row.end(), std::uint64_t{0});
    text += fmt::format("{}  {:>8}  {:>8}", row_head(layout, label), all, row[label]);
    auto wrong = row;
    wrong[label] = 0;
    const auto most = std::max_element(wrong.begin(), wrong.end());
    if (*most > 0) {
      const auto other = static_cast<std::size_t>(most - wrong.begin());
      text += fmt::format("  {} ({})", layout.names[other].text, *most);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string confusion_table(const std::vector<std::string>& labels, const ConfusionMatrix& counts) {
  const auto layout = layout_of(labels, counts);
  return labels.size() <= kMostColumns ? matrix(layout, counts) : summary(layout, counts);
}

std::string label_table(const std::vector<std::string>& labels,
                        const std::vector<ConfusionMatrix>& counts) {
  const auto layout = layout_of(labels, {});
  std::string text =
      fmt::format("{}  {:>8}  {:>8}  {:>8}  {:>11}\n",
                  "label" + std::string(layout.number_columns + 2 + layout.name_columns - 5, ' '),
                  "found", "missed", "wrongly", "rightly not");
  for (std::size_t label = 0; label < counts.size(); ++label) {
    const auto& of = counts[label];
    text += fmt::format("{}  {:>8}  {:>8}  {:>8}  {:>11}\n", row_head(layout, label), of[1][1],
                        of[1][0], of[0][1], of[0][0]);
  }
  return text;
}

}  // namespace bertha
