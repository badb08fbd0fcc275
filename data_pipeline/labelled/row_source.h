// Rows of a file one after the other, so that a file of any size takes little memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "parallel/base/error.h"

namespace bertha {

// The next row; nothing at the end, and only there.
template <class Row>
using RowSource = std::function<std::optional<Row>()>;

template <class Row>
std::vector<Row> all_rows(const RowSource<Row>& next) {
  std::vector<Row> rows;
  while (auto row = next()) rows.push_back(std::move(*row));
  return rows;
}

// Rows that are in memory already; each is given away.
template <class Row>
RowSource<Row> source_of(std::vector<Row> rows) {
  const auto kept = std::make_shared<std::vector<Row>>(std::move(rows));
  return [kept, at = std::size_t{0}]() mutable -> std::optional<Row> {
    if (at == kept->size()) return std::nullopt;
    return std::move((*kept)[at++]);
  };
}

// The same rows; `none` is thrown where there is not a single one.
template <class Row>
RowSource<Row> at_least_one(RowSource<Row> next, Error none) {
  return [next = std::move(next), none = std::move(none), any = false]() mutable {
    auto row = next();
    if (!row && !any) throw none;
    any = true;
    return row;
  };
}

}  // namespace bertha
