// trainer_state.json, field by field.
#include "trainer/checkpoint/trainer_state.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

// One digest of all options, for people and scripts that compare runs.
std::string digest_of(const std::map<std::string, std::string>& options) {
  Sha256 hash;
  for (const auto& [name, value] : options) hash.update(name + " = " + value + "\n");
  return hash.hex();
}

// Reads fields of one object, each checked for presence, type and range.
class Fields {
 public:
  Fields(const Json& json, const std::string& file) : json_(json), file_(file) {}

  [[noreturn]] void fail(const char* name, const std::string& what) const {
    throw Error(ErrorKind::bad_data, fmt::format("{}: {} {}", file_, name, what),
                "resume from another checkpoint");
  }

  template <class Integer>
  void read(const char* name, Integer& value, Integer least = std::numeric_limits<Integer>::min()) {
    const auto& field = find(name);
    if (field.is_number_unsigned()) {
      const auto number = field.template get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())) {
        fail(name, "is too large");
      }
      value = static_cast<Integer>(number);
      if (value >= least) return;
    }
    fail(name, fmt::format("is not a whole number of at least {}", least < 0 ? 0 : least));
  }

  void read(const char* name, double& value) {
    const auto& field = find(name);
    if (!field.is_number()) fail(name, "is not a number");
    value = field.get<double>();
    if (!std::isfinite(value)) fail(name, "is not a finite number");
  }

  // Null stands for what is no finite number.
  void read(const char* name, std::vector<std::pair<std::string, double>>& values) {
    const auto& field = find(name);
    if (!field.is_object()) fail(name, "is not an object");
    for (const auto& [key, value] : field.items()) {
      if (!value.is_number() && !value.is_null()) fail(name, "holds something that is no number");
      values.emplace_back(key, value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                               : value.template get<double>());
    }
  }

  void read(const char* name, bool& value) {
    const auto& field = find(name);
    if (!field.is_boolean()) fail(name, "is neither true nor false");
    value = field.get<bool>();
  }

  void read(const char* name, std::string& value) {
    const auto& field = find(name);
    if (!field.is_string()) fail(name, "is not a text");
    value = field.get<std::string>();
  }

  void read(const char* name, std::map<std::string, std::string>& values) {
    const auto& field = find(name);
    if (!field.is_object()) fail(name, "is not an object");
    for (const auto& [key, value] : field.items()) {
      if (!value.is_string()) fail(name, "holds something that is not a text");
      values[key] = value.get<std::string>();
    }
  }

 private:
  const Json& find(const char* name) const {
    const auto found = json_.find(name);
    if (found == json_.end()) fail(name, "is missing");
    return *found;
  }

  const Json& json_;
  const std::string& file_;
};

Json json_of(const LineSums& sums) {
  Json scores = Json::object();
  for (const auto& [name, sum] : sums.scores) scores[name] = sum;
  return {{"steps", sums.steps}, {"scores", scores}};
}

LineSums line_sums(const Json& json, const std::string& file) {
  if (!json.is_object()) {
    throw Error(ErrorKind::bad_data, file + " is not an object", "resume from another checkpoint");
  }
  Fields fields(json, file);
  LineSums sums;
  fields.read("steps", sums.steps, std::int64_t{0});
  fields.read("scores", sums.scores);
  return sums;
}

}  // namespace

std::string trainer_state_to_json(const TrainerState& state) {
  Json json{{"format_version", kTrainerStateVersion},
            {"step", state.step},
            {"epoch", state.epoch},
            {"next_sample", state.next_sample},
            {"samples", state.samples},
            {"tokens", state.tokens},
            {"seed", state.seed},
            {"loss_scale", state.loss_scale},
            {"loss_scale_good_steps", state.loss_scale_good_steps},
            {"skipped_in_a_row", state.skipped_in_a_row},
            {"skipped_steps", state.skipped_steps},
            {"corpus_digest", state.corpus_digest},
            {"configuration_digest", digest_of(state.options)},
            {"world_size", state.world_size}};
  if (state.earlier_updates > 0) json["earlier_updates"] = state.earlier_updates;
  if (state.line_sums.steps > 0) json["line_sums"] = json_of(state.line_sums);
  if (state.validation_loss) json["validation_loss"] = *state.validation_loss;
  if (state.validation_owed) json["validation_owed"] = true;
  if (!state.began_from.empty()) json["began_from"] = state.began_from;
  json["options"] = state.options;
  // A path may hold bytes that are no UTF-8: better shown inexactly than not saved.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

TrainerState trainer_state_from_json(const std::string& json, const std::string& name_for_errors) {
  const auto root = Json::parse(json, nullptr, false);
  if (!root.is_object()) {
    throw Error(ErrorKind::bad_data, name_for_errors + " is not a JSON object",
                "resume from another checkpoint");
  }
  Fields fields(root, name_for_errors);
  int version = 0;
  fields.read("format_version", version, 1);
  if (version > kTrainerStateVersion) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: format_version {} is newer than {}, the newest this program knows",
                            name_for_errors, version, kTrainerStateVersion),
                "use the version of Bertha that wrote it");
  }
  TrainerState state;
  fields.read("step", state.step, std::int64_t{0});
  fields.read("epoch", state.epoch);
  fields.read("next_sample", state.next_sample);
  fields.read("samples", state.samples);
  fields.read("tokens", state.tokens);
  fields.read("seed", state.seed);
  fields.read("loss_scale", state.loss_scale);
  fields.read("loss_scale_good_steps", state.loss_scale_good_steps, std::int64_t{0});
  fields.read("skipped_in_a_row", state.skipped_in_a_row, std::int64_t{0});
  fields.read("skipped_steps", state.skipped_steps, std::int64_t{0});
  if (root.contains("earlier_updates")) {
    fields.read("earlier_updates", state.earlier_updates, std::int64_t{0});
  }
  if (root.contains("line_sums")) {
    state.line_sums = line_sums(root["line_sums"], name_for_errors + ": line_sums");
  }
  if (root.contains("validation_loss")) {
    fields.read("validation_loss", state.validation_loss.emplace());
  }
  if (root.contains("validation_owed")) fields.read("validation_owed", state.validation_owed);
  if (root.contains("began_from")) fields.read("began_from", state.began_from);
  fields.read("corpus_digest", state.corpus_digest);
  fields.read("world_size", state.world_size, 1);
  fields.read("options", state.options);
  if (state.loss_scale < 1) fields.fail("loss_scale", "is below 1");
  return state;
}

}  // namespace bertha
