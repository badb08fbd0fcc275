// Damaged checkpoints: found, named, and passed over.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/sha256.h"
#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/moment_files.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::map<std::string, std::string> kMomentsFormat{{"format", "bertha-moments"},
                                                        {"version", "1"}};

class DamagedCheckpoint : public ::testing::Test {
 protected:
  DamagedCheckpoint() {
    run_thread_ranks(2, [&](Communicator& communicator) {
      CheckpointStore store(run.path(), communicator, {0, 0});
      for (const std::int64_t step : {1, 2}) {
        store.save(sample_contents(communicator.rank_info(), step));
      }
    });
  }
  std::string quick_check() const {
    return error_of([&] { check_checkpoint(newest, CheckpointCheck::sizes); });
  }
  void change_manifest(const std::function<void(nlohmann::json&)>& change) const {
    auto manifest = nlohmann::json::parse(read_file(newest / "manifest.json"));
    change(manifest);
    auto text = manifest.dump();
    if (manifest.is_object()) {  // signed anew
      manifest["manifest_sha256"] = std::string(64, '0');
      text = manifest.dump();
      text.replace(text.find(std::string(64, '0')), 64, sha256_hex(text));
    }
    write_file(newest / "manifest.json", text);
  }
  // The change is found by a quick check, and the older checkpoint is taken instead.
  void expect_passed_over(const std::string& message) const {
    EXPECT_THAT(quick_check(), StartsWith("65 "));
    EXPECT_THAT(quick_check(), HasSubstr(message));
    EXPECT_THAT(checkpoint_faults(newest), ::testing::Contains(HasSubstr(message)));
    EXPECT_EQ(newest_checkpoint(run.path()), run / "step-00000001");
  }

  ScratchFolder run;
  fs::path newest = run / "step-00000002";
};

TEST_F(DamagedCheckpoint, LacksItsManifest) {
  fs::remove(newest / "manifest.json");
  expect_passed_over("has no manifest.json");
}

TEST_F(DamagedCheckpoint, LacksAFile) {
  fs::remove(newest / "optimizer-00001-of-00002.safetensors");
  expect_passed_over("optimizer-00001-of-00002.safetensors is missing");
}

TEST_F(DamagedCheckpoint, IsTruncated) {
  fs::resize_file(newest / "model.safetensors", 100);
  expect_passed_over("model.safetensors has 100 bytes, the manifest says");
}

TEST_F(DamagedCheckpoint, HasAFlippedByteThatOnlyAFullCheckFinds) {
  flip_byte(newest / "model.safetensors", 600);
  flip_byte(newest / "optimizer-00000-of-00002.safetensors", 700);
  EXPECT_EQ(quick_check(), "");
  EXPECT_THAT(error_of([&] { check_checkpoint(newest, CheckpointCheck::all); }),
              ::testing::MatchesRegex("65 .*model.safetensors has another checksum.*"));
  EXPECT_EQ(newest_checkpoint(run.path()), run / "step-00000001");
  EXPECT_EQ(newest_checkpoint(run.path(), CheckpointCheck::sizes), newest);
  EXPECT_THAT(checkpoint_faults(newest),
              ElementsAre(HasSubstr("model.safetensors has another checksum"),
                          HasSubstr("optimizer-00000-of-00002.safetensors has another checksum")));
}

TEST_F(DamagedCheckpoint, HasAManifestThatLies) {
  const auto whole = read_file(newest / "manifest.json");
  const auto said_after = [&](const std::function<void(nlohmann::json&)>& change) {
    write_file(newest / "manifest.json", whole);
    change_manifest(change);
    EXPECT_EQ(newest_checkpoint(run.path()), run / "step-00000001");
    EXPECT_THAT(quick_check(), StartsWith("65 "));
    return quick_check();
  };
  EXPECT_THAT(said_after([](auto& m) { m["format"] = "bertha-corpus"; }),
              HasSubstr("is not the manifest of a checkpoint"));
  EXPECT_THAT(said_after([](auto& m) { m["version"] = 0; }),
              HasSubstr("version 0 is not among 1 to 2"));
  EXPECT_THAT(said_after([](auto& m) { m.erase("version"); }), HasSubstr("version is missing"));
  EXPECT_THAT(said_after([](auto& m) { m["step"] = -1; }), HasSubstr("step"));
  EXPECT_THAT(said_after([](auto& m) { m["world_size"] = 1LL << 40; }), HasSubstr("world_size"));
  EXPECT_THAT(said_after([](auto& m) { m["files"] = 3; }), HasSubstr("files are missing"));
  EXPECT_THAT(said_after([](auto& m) { m["files"].erase("trainer_state.json"); }),
              HasSubstr("lists no trainer_state.json"));
  EXPECT_THAT(said_after([](auto& m) { m["files"]["vocab.txt"]["bytes"] = -1; }),
              HasSubstr("bytes and sha256 of vocab.txt"));
  EXPECT_THAT(said_after([](auto& m) { m["files"]["vocab.txt"]["sha256"] = "xyz"; }),
              HasSubstr("bytes and sha256 of vocab.txt"));
  for (const char* name : {"../step-00000001/vocab.txt", "/etc/passwd", "..", "", "a/b"}) {
    EXPECT_THAT(said_after([&](auto& m) { m["files"][name] = m["files"]["vocab.txt"]; }),
                HasSubstr("is no name of a file"));
  }
  EXPECT_THAT(said_after([](auto& m) { m = nlohmann::json::array(); }), HasSubstr("manifest"));
  write_file(newest / "manifest.json", "{\"format\": ");
  EXPECT_THAT(quick_check(), HasSubstr("manifest.json: is not JSON"));
}

// To train on from an older one would replace what a newer program wrote.
TEST_F(DamagedCheckpoint, IsNotPassedOverWhenOnlyANewerProgramKnowsIt) {
  for (const bool with_checksum : {true, false}) {
    change_manifest([](auto& m) { m["version"] = 99; });
    if (!with_checksum) {  // nobody knows how a later version says that it is whole
      auto manifest = nlohmann::json::parse(read_file(newest / "manifest.json"));
      manifest.erase("manifest_sha256");
      write_file(newest / "manifest.json", manifest.dump());
    }
    const auto said = error_of([&] { newest_checkpoint(run.path()); });
    EXPECT_THAT(said, StartsWith("65 "));
    EXPECT_THAT(said, HasSubstr("step-00000002/manifest.json: version 99 is not among 1 to 2"));
    EXPECT_EQ(quick_check(), said);
    EXPECT_THAT(error_of([&] { resolve_model_folder(run.path()); }), HasSubstr("version 99"));
  }
  // A version that only looks newer, because the manifest is damaged, is damage.
  change_manifest([](auto& m) { m["version"] = 2; });
  auto text = read_file(newest / "manifest.json");
  text.replace(text.find("\"version\":2"), 11, "\"version\":9");
  write_file(newest / "manifest.json", text);
  expect_passed_over("has another checksum than it was written with");
}

// A disk that fails now may be well again soon; the run must not be thrown back for it. A loop of
// links stands for a file that is there and cannot be looked at, which root can look at otherwise.
TEST_F(DamagedCheckpoint, IsNotPassedOverWhenItCannotBeRead) {
  for (const char* name : {"manifest.json", "model.safetensors", "vocab.txt"}) {
    const auto path = newest / name;
    const auto whole = read_file(path);
    fs::remove(path);
    fs::create_symlink(path.filename(), path);
    EXPECT_THAT(error_of([&] { newest_checkpoint(run.path()); }),
                ::testing::AllOf(StartsWith("74 cannot read "), HasSubstr(name)));
    fs::remove(path);
    write_file(path, whole);
  }
  EXPECT_EQ(newest_checkpoint(run.path()), newest);
  fs::create_symlink("step-00000003", run / "step-00000003");
  EXPECT_THAT(error_of([&] { newest_checkpoint(run.path()); }),
              ::testing::AllOf(StartsWith("74 cannot read "), HasSubstr("step-00000003")));
}

TEST_F(DamagedCheckpoint, HasFoldersInPlaceOfFiles) {
  for (const char* name : {"manifest.json", "model.safetensors"}) {
    const auto path = newest / name;
    const auto whole = read_file(path);
    fs::remove(path);
    fs::create_directory(path);
    expect_passed_over("is not a regular file");
    fs::remove(path);
    write_file(path, whole);
  }
}

// Whatever happens to whichever file, the damage is found, the file named, and the checkpoint
// before taken: every byte of the small files, a sample of the large ones.
TEST_F(DamagedCheckpoint, IsNamedAndPassedOverWhicheverByteIsFlipped) {
  for (const auto& name : names_in(newest)) {
    const auto path = newest / name;
    const auto whole = read_file(path);
    const std::size_t stride = whole.size() < 3000 ? 1 : whole.size() / 500;
    for (std::size_t place = 0; place < whole.size(); place += stride) {
      auto damaged = whole;
      damaged[place] = static_cast<char>(damaged[place] ^ (1 << (place % 8)));
      std::ofstream(path, std::ios::binary) << damaged;
      ::testing::internal::CaptureStderr();
      const auto taken = newest_checkpoint(run.path());
      const auto told = ::testing::internal::GetCapturedStderr();
      ASSERT_EQ(taken, run / "step-00000001") << name << ", byte " << place;
      // A file whose name in the manifest is damaged is told as missing: still of that checkpoint.
      ASSERT_THAT(told, HasSubstr("step-00000002")) << name << ", byte " << place;
      const bool is_manifest = name == "manifest.json";  // it may lie about a name
      ASSERT_THAT(told, HasSubstr(is_manifest ? "" : name)) << "byte " << place;
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
  EXPECT_EQ(newest_checkpoint(run.path()), newest);
}

TEST_F(DamagedCheckpoint, IsNamedAndPassedOverWhicheverFileIsMissingOrCut) {
  for (const auto& name : names_in(newest)) {
    const auto path = newest / name;
    const auto whole = read_file(path);
    for (const std::size_t length : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
      std::ofstream(path, std::ios::binary) << whole.substr(0, length);
      ::testing::internal::CaptureStderr();
      EXPECT_EQ(newest_checkpoint(run.path()), run / "step-00000001") << name << " of " << length;
      EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(name));
    }
    fs::remove(path);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(newest_checkpoint(run.path()), run / "step-00000001") << "without " << name;
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(name));
    std::ofstream(path, std::ios::binary) << whole;
  }
  EXPECT_EQ(newest_checkpoint(run.path()), newest);
}

// A checkpoint named as a model is looked at as closely, but for the optimizer's files.
TEST_F(DamagedCheckpoint, IsRefusedAsAModel) {
  EXPECT_EQ(resolve_model_folder(newest), newest);
  for (const auto& name : names_in(newest)) {
    const auto path = newest / name;
    const auto whole = read_file(path);
    if (!is_moment_file(name)) {
      flip_byte(path, static_cast<std::int64_t>(whole.size() / 2));
      EXPECT_THAT(error_of([&] { resolve_model_folder(newest); }),
                  ::testing::AllOf(StartsWith("65 "), HasSubstr(name)));
    }
    fs::remove(path);
    EXPECT_THAT(error_of([&] { resolve_model_folder(newest); }),
                ::testing::AllOf(StartsWith("65 "), HasSubstr(name)));
    std::ofstream(path, std::ios::binary) << whole;
  }
  // Of a run folder the one before is taken.
  fs::create_directories(run / "run");
  fs::create_directory_symlink(run.path(), run / "run/checkpoints");
  EXPECT_EQ(resolve_model_folder(run / "run"), run / "run/checkpoints/step-00000002");
  flip_byte(newest / "model.safetensors", 600);
  EXPECT_EQ(resolve_model_folder(run / "run"), run / "run/checkpoints/step-00000001");
}

TEST_F(DamagedCheckpoint, MayBeOfTheFirstFormat) {
  change_manifest([](auto& m) { m["version"] = 1; });
  auto manifest = nlohmann::json::parse(read_file(newest / "manifest.json"));
  manifest.erase("manifest_sha256");
  write_file(newest / "manifest.json", manifest.dump());
  EXPECT_EQ(newest_checkpoint(run.path()), newest);
  manifest["version"] = 2;
  write_file(newest / "manifest.json", manifest.dump());
  EXPECT_THAT(quick_check(), HasSubstr("manifest_sha256 is missing"));
}

TEST_F(DamagedCheckpoint, LacksSomeMoments) {
  change_manifest([](auto& m) { m["files"].erase("optimizer-00001-of-00002.safetensors"); });
  EXPECT_EQ(quick_check(), "");
  EXPECT_THAT(checkpoint_faults(newest),
              ::testing::Contains(HasSubstr("lack exp_avg_sq of cls.predictions.bias")));
  auto slices = sample_slices(0, 1, 2);
  EXPECT_THAT(error_of([&] { read_moments(newest, slices); }),
              ::testing::AllOf(StartsWith("65 "), HasSubstr("lack exp_avg of bert.pooler.dense"
                                                            ".weight from element 11 of [0, 64)")));
  auto unknown = std::vector<MomentSlice>{{"new.weight", "exp_avg", 0, 2, at::zeros({2})}};
  EXPECT_THAT(error_of([&] { read_moments(newest, unknown); }), HasSubstr("new.weight"));
}

TEST_F(DamagedCheckpoint, HasSlicesThatAreNone) {
  const auto path = newest / "optimizer-00000-of-00002.safetensors";
  auto slices = sample_slices(0, 2, 2);
  for (const char* name : {"exp_avg/a/0-5", "exp_avg/a/5-0", "exp_avg/a/0-", "exp_avg/a/-1-3",
                           "exp_avg/0-4", "exp_avg", "exp_avg/a/0x-4"}) {
    write_safetensors(path, {{name, at::zeros({4})}}, kMomentsFormat);
    EXPECT_THAT(error_of([&] { read_moments(newest, slices); }), HasSubstr("is no slice")) << name;
  }
  write_safetensors(path, {{"exp_avg/a/0-4", at::zeros({4}, at::kDouble)}}, kMomentsFormat);
  EXPECT_THAT(error_of([&] { read_moments(newest, slices); }), HasSubstr("is no slice"));
  write_safetensors(path, {{"exp_avg/a/0-4", at::zeros({4})}}, {});
  EXPECT_THAT(error_of([&] { read_moments(newest, slices); }), HasSubstr("format nothing"));
  write_safetensors(path, {{"exp_avg/a/0-4", at::zeros({4})}},
                    {{"format", "bertha-moments"}, {"version", "2"}});
  EXPECT_THAT(error_of([&] { read_moments(newest, slices); }),
              HasSubstr("version 2; this program knows bertha-moments, version 1"));
}

TEST(CheckpointCheck, SaysWhatIsNotThere) {
  const ScratchFolder run;
  EXPECT_EQ(newest_checkpoint(run / "checkpoints"), std::nullopt);
  EXPECT_EQ(newest_checkpoint(run.path()), std::nullopt);
  EXPECT_THAT(error_of([&] { check_checkpoint(run / "nowhere", CheckpointCheck::sizes); }),
              ::testing::MatchesRegex("74 cannot open .*nowhere: No such file or directory"));
  run.put("file", "x");
  EXPECT_THAT(error_of([&] { check_checkpoint(run / "file", CheckpointCheck::sizes); }),
              ::testing::MatchesRegex("65 .*file is no folder"));
  EXPECT_THAT(error_of([&] { newest_checkpoint(run / "file"); }), StartsWith("74 "));
  EXPECT_THAT(error_of([&] { read_trainer_state(run / "nowhere"); }), StartsWith("74 "));
}

// A copy by hand must not be taken for the newest.
TEST_F(DamagedCheckpoint, ANameOfAnotherStepIsAFault) {
  const auto copy = run / "step-00000099", elsewhere = run / "kept";
  fs::copy(newest, copy, fs::copy_options::recursive);
  fs::copy(newest, elsewhere, fs::copy_options::recursive);
  const auto fault = "step-00000099 holds step 2, as its manifest.json says, and not that of its";
  EXPECT_THAT(checkpoint_faults(copy), ElementsAre(HasSubstr(fault)));
  EXPECT_THAT(error_of([&] { check_checkpoint(copy / "", CheckpointCheck::sizes); }),
              HasSubstr(fault));
  EXPECT_EQ(newest_checkpoint(run.path()), newest);
  EXPECT_THAT(checkpoint_faults(elsewhere), ElementsAre());  // that name says nothing
}

TEST(CheckpointCheck, GoesByStepNotByTime) {
  const ScratchFolder run;
  run_thread_ranks(1, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {0, 0});
    for (const std::int64_t step : {100'000'000, 99'999'999, 5}) {
      store.save(sample_contents({}, step));
    }
  });
  EXPECT_EQ(newest_checkpoint(run.path()), run / "step-100000000");
}

}  // namespace
}  // namespace bertha::testing
