// Expat callbacks that follow <mediawiki> / <page> / <revision> / <text>.
#include "data_pipeline/text/mediawiki_parser.h"

#include <charconv>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include <expat.h>
#include <fmt/format.h>

#include "data_pipeline/text/document_readers.h"
#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"

namespace bertha {
namespace {

// Expat keeps an unfinished tag in memory, and older versions scan it anew with every piece.
constexpr std::int64_t kMaximumTagBytes = std::int64_t{1} << 20;
constexpr int kMaximumDepth = 64;

}  // namespace

struct MediaWikiParser::State {
  explicit State(LargeRecordTurn& its_turn) : turn(its_turn) {}

  LargeRecordTurn& turn;
  UniqueHandle<XML_Parser, XML_ParserFree> parser;
  WikiNames names;
  std::deque<WikiPage> pages;  // complete
  WikiPage page;               // under construction
  int depth = 0;
  bool in_page = false, in_revision = false;
  std::string* field = nullptr;  // where character data go
  int field_depth = 0;
  std::string namespace_key, namespace_name;
  std::string fault;  // why a callback stopped the parser
  std::int64_t bytes_fed = 0;
  bool ended = false;

  void stop(std::string reason) {
    if (fault.empty()) fault = std::move(reason);
    XML_StopParser(parser.get(), XML_FALSE);
  }
  void begin_field(std::string& target) {
    target.clear();
    field = &target;
    field_depth = depth;
  }
  void start(std::string_view name, const char** attributes);
  void start_in_page(std::string_view name);
  void end();
  void characters(std::string_view text);

  // Exceptions must not pass through expat, which is C.
  template <class Action>
  static void guarded(void* self, Action action) {
    auto& state = *static_cast<State*>(self);
    try {
      action(state);
    } catch (const std::exception& error) {
      state.stop(error.what());
    }
  }
  void install();
};

void MediaWikiParser::State::start_in_page(std::string_view name) {
  if (depth == 3) {
    if (name == "title") begin_field(page.title);
    if (name == "ns") begin_field(page.ns);
    if (name == "redirect") page.redirect = true;
    in_revision = name == "revision";
  } else if (depth == 4 && in_revision) {
    if (name == "text") {
      page.oversized = false;
      begin_field(page.text);
    }
    if (name == "model") begin_field(page.model);
  }
}

void MediaWikiParser::State::start(std::string_view name, const char** attributes) {
  ++depth;
  if (depth > kMaximumDepth) return stop("elements nested too deeply");
  if (depth == 1) {
    if (name != "mediawiki") {
      stop(fmt::format("the root element is <{}>, not <mediawiki>", name.substr(0, 80)));
    }
  } else if (depth == 2) {
    in_page = name == "page";
    if (in_page) page = WikiPage{};
  } else if (in_page) {
    start_in_page(name);
  } else if (depth == 4 && name == "namespace") {
    namespace_key.clear();
    for (; *attributes != nullptr; attributes += 2) {
      if (std::strcmp(attributes[0], "key") == 0) namespace_key = attributes[1];
    }
    begin_field(namespace_name);
  }
}

void MediaWikiParser::State::end() {
  if (field != nullptr && depth == field_depth) {
    if (field == &namespace_name) {
      int key = 0;
      std::from_chars(namespace_key.data(), namespace_key.data() + namespace_key.size(), key);
      names.add_namespace(key, namespace_name);
    }
    field = nullptr;
  }
  if (depth == 3) in_revision = false;
  if (depth == 2 && in_page) {
    pages.push_back(std::move(page));
    in_page = false;
  }
  --depth;
}

void MediaWikiParser::State::characters(std::string_view text) {
  if (field == nullptr || depth != field_depth || page.oversized) return;
  if (field->size() + text.size() > kMaximumRecordBytes) {
    page.oversized = true;
    field->clear();
    field->shrink_to_fit();
    return;
  }
  turn.hold(field->size() + text.size());
  field->append(text);
}

void MediaWikiParser::State::install() {
  XML_Parser handle = parser.get();
  XML_SetUserData(handle, this);
  XML_SetElementHandler(
      handle,
      [](void* self, const XML_Char* name, const XML_Char** attributes) {
        guarded(self, [&](State& state) { state.start(name, attributes); });
      },
      [](void* self, const XML_Char*) { guarded(self, [](State& state) { state.end(); }); });
  XML_SetCharacterDataHandler(handle, [](void* self, const XML_Char* text, int bytes) {
    guarded(self, [&](State& state) {
      state.characters(std::string_view(text, static_cast<std::size_t>(bytes)));
    });
  });
  XML_SetEntityDeclHandler(
      handle, [](void* self, const XML_Char*, int, const XML_Char*, int, const XML_Char*,
                 const XML_Char*, const XML_Char*, const XML_Char*) {
        guarded(self, [](State& state) { state.stop("it declares entities, which no dump does"); });
      });
}

MediaWikiParser::MediaWikiParser(const InputFile& file, LargeRecordTurn& turn)
    : source_(file, turn.shared()), begin_(file.begin), state_(std::make_unique<State>(turn)) {
  source_.allow_utf16();  // expat reads it
}

MediaWikiParser::~MediaWikiParser() = default;

const WikiNames& MediaWikiParser::names() const {
  return state_->names;
}

std::uint64_t MediaWikiParser::line() const {
  return state_->parser ? XML_GetCurrentLineNumber(state_->parser.get()) : 0;
}

std::string MediaWikiParser::place() const {
  if (begin_ == 0) return fmt::format("{}:{}", source_.path(), line());
  return fmt::format("{}: line {} behind byte {}", source_.path(), line(), begin_);
}

void MediaWikiParser::feed() {
  State& state = *state_;
  chunk_.clear();
  state.ended = !source_.append_next(chunk_);
  if (!state.parser) {
    // Repaired text is UTF-8 whatever its declaration says.
    state.parser.reset();
    state.parser = UniqueHandle<XML_Parser, XML_ParserFree>(
        XML_ParserCreate(source_.is_utf16() ? nullptr : "UTF-8"));
    if (!state.parser) throw Error(ErrorKind::internal, source_.path() + ": expat could not start");
    state.install();
  }
  state.bytes_fed += static_cast<std::int64_t>(chunk_.size());
  const XML_Status status = XML_Parse(state.parser.get(), chunk_.data(),
                                      static_cast<int>(chunk_.size()), state.ended ? 1 : 0);
  if (status != XML_STATUS_OK) {
    const std::string reason =
        !state.fault.empty() ? state.fault : XML_ErrorString(XML_GetErrorCode(state.parser.get()));
    throw Error(
        ErrorKind::bad_data,
        fmt::format("{}: {}{}", place(),
                    state.ended && state.fault.empty() ? "the XML ends in the middle: " : "",
                    reason),
        "fetch the dump again, or check that it is a MediaWiki XML export");
  }
  if (state.bytes_fed - XML_GetCurrentByteIndex(state.parser.get()) > kMaximumTagBytes) {
    throw Error(ErrorKind::bad_data, place() + ": a tag without end");
  }
}

bool MediaWikiParser::next(WikiPage& page) {
  while (state_->pages.empty() && !state_->ended) feed();
  if (state_->pages.empty()) return false;
  page = std::move(state_->pages.front());
  state_->pages.pop_front();
  return true;
}

}  // namespace bertha
