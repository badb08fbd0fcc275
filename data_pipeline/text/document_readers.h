// The readers behind open_documents, one for each format.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "data_pipeline/text/document_reader.h"

namespace bertha {

inline constexpr std::size_t kMaximumRecordBytes = std::size_t{64} << 20;  // JSON line, article
inline constexpr std::size_t kTextDocumentBytes = std::size_t{64} << 20;   // see document_cuts
inline constexpr std::size_t kMaximumDocumentBytes = std::size_t{128} << 20;
inline constexpr std::size_t kMaximumParagraphBytes = std::size_t{1} << 20;

std::unique_ptr<DocumentReader> open_text_documents(const InputFile& file, LargeRecords* shared);
std::unique_ptr<DocumentReader> open_sentence_documents(const InputFile& file,
                                                        LargeRecords* shared);
std::unique_ptr<DocumentReader> open_jsonl_documents(const InputFile& file,
                                                     const std::string& text_field,
                                                     LargeRecords* shared);
std::unique_ptr<DocumentReader> open_mediawiki_documents(const InputFile& file,
                                                         LargeRecords* shared);

}  // namespace bertha
