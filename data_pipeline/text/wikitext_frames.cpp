// Opening and closing of nested wikitext constructs, in constant time amortised.
#include "data_pipeline/text/wikitext_frames.h"

#include <algorithm>
#include <initializer_list>

namespace bertha {

void WikitextFrames::cut_back(std::size_t size) {
  if (size < text_.size()) text_.resize(size);
}

std::string_view WikitextFrames::text_from(std::size_t start) const {
  return std::string_view(text_).substr(std::min(start, text_.size()));
}

void WikitextFrames::open(Kind kind) {
  if (frames_.size() == kMostOpen) return;
  Frame frame{.kind = kind, .start = text_.size(), .structure = innermost_structure()};
  if (kind <= Kind::html_table) frame.structure = frames_.size();
  if (kind == Kind::template_) ++open_templates_;
  frames_.push_back(frame);
}

void WikitextFrames::open_link(bool shown_as_written) {
  open(Kind::link);
  if (top_is(Kind::link)) frames_.back().shown_as_written = shown_as_written;
}

void WikitextFrames::pop() {
  const Kind kind = frames_.back().kind;
  if (kind == Kind::template_ || kind == Kind::kept_template) --open_templates_;
  frames_.pop_back();
}

void WikitextFrames::pop_while(std::initializer_list<Kind> kinds) {
  while (!frames_.empty() &&
         std::find(kinds.begin(), kinds.end(), frames_.back().kind) != kinds.end()) {
    pop();
  }
}

bool WikitextFrames::in_template() const {
  return in_structure() && frames_[innermost_structure()].kind <= Kind::kept_template;
}

bool WikitextFrames::in_table(Kind kind) const {
  return in_structure() && frames_[innermost_structure()].kind == kind;
}

// Templates bind tighter than all else: what was left open inside goes with them.
void WikitextFrames::close_template() {
  if (open_templates_ == 0) return;
  while (frames_.back().kind > Kind::kept_template) pop();
  Frame& frame = frames_.back();
  if (!frame.piped) separate_template(frame);
  if (frame.kind == Kind::kept_template) {
    end_argument(frame);
  } else {
    cut_back(frame.start);
  }
  pop();
}

void WikitextFrames::close_table(Kind kind) {
  if (!in_table(kind)) return;
  while (frames_.back().kind != kind) pop();
  cut_back(frames_.back().start);
  pop();
}

void WikitextFrames::close_link() {
  pop_while({Kind::external});
  if (top_is(Kind::link) && !frames_.back().piped) {
    const bool written = frames_.back().shown_as_written;
    if (!written && names_.hides_link(text_from(frames_.back().start))) {
      frames_.back().kind = Kind::hidden_link;
    }
  }
  if (top_is(Kind::hidden_link)) cut_back(frames_.back().start);
  if (top_is(Kind::hidden_link) || top_is(Kind::link)) pop();
}

bool WikitextFrames::close_external() {
  if (!top_is(Kind::external)) return false;
  pop();
  return true;
}

void WikitextFrames::separate_template(Frame& frame) {
  frame.piped = true;
  frame.kept = find_kept_template(text_from(frame.start));
  if (frame.kept == nullptr) return;
  frame.kind = Kind::kept_template;
  frame.shown = frame.kept->arguments;
  cut_back(frame.start);
  text_ += frame.kept->prefix;
  frame.argument_start = text_.size();
}

void WikitextFrames::begin_argument(Frame& frame) {
  ++frame.argument;
  const bool shown = ((frame.shown >> std::min(frame.argument, 31)) & 1U) != 0;
  const std::size_t first = frame.start + frame.kept->prefix.size();
  if (shown && frame.kept->form == KeptTemplate::Form::last_only) cut_back(first);
  const bool joined = frame.kept->form == KeptTemplate::Form::joined;
  if (shown && !joined && text_.size() > first) text_ += ' ';
  frame.argument_start = text_.size();
}

void WikitextFrames::end_argument(Frame& frame) {
  const std::string_view argument = text_from(frame.argument_start);
  const bool shown = ((frame.shown >> std::min(frame.argument, 31)) & 1U) != 0;
  if (frame.argument > 0 && (!shown || is_named_argument(argument))) {
    cut_back(frame.argument_start);
  } else if (frame.argument == 2 && frame.kept->form == KeptTemplate::Form::measure &&
             is_measure_connector(argument)) {
    frame.shown |= (1U << 3) | (1U << 4);
  }
}

void WikitextFrames::separator() {
  if (frames_.empty()) {
    text_ += '|';
    return;
  }
  Frame& frame = frames_.back();
  if (frame.kind == Kind::template_ && !frame.piped) {
    separate_template(frame);
    if (frame.kind == Kind::kept_template) begin_argument(frame);
  } else if (frame.kind == Kind::kept_template) {
    end_argument(frame);
    begin_argument(frame);
  } else if (frame.kind == Kind::link && !frame.piped) {
    frame.piped = true;
    if (!frame.shown_as_written && names_.hides_link(text_from(frame.start))) {
      frame.kind = Kind::hidden_link;
    } else {
      cut_back(frame.start);
    }
  } else {
    text_ += '|';
  }
}

void WikitextFrames::end_line() {
  pop_while({Kind::external});
}

void WikitextFrames::end_paragraph() {
  pop_while({Kind::external, Kind::link});
}

void WikitextFrames::end_section() {
  pop_while({Kind::external, Kind::link, Kind::hidden_link});
  while (in_table(Kind::table)) close_table(Kind::table);
}

void WikitextFrames::end_page() {
  while (!frames_.empty()) {
    if (in_table(Kind::table)) {
      close_table(Kind::table);
    } else {
      pop();
    }
  }
}

}  // namespace bertha
