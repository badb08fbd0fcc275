// Plans against numbers worked out by hand, and against NVIDIA's published scaling.
#include "trainer/plan.h"

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

namespace bertha {
namespace {

PlanModel small_model() {
  PlanModel model;
  model.config.hidden_size = 4;
  model.config.layers = 2;
  model.config.attention_heads = 2;
  model.config.intermediate_size = 8;
  model.config.vocabulary_size = 100;
  model.config.hidden_dropout = model.config.attention_dropout = 0;
  model.parameters = 1000;
  model.async_save = false;
  return model;
}

PlanBatch small_batch() {
  PlanBatch batch;
  batch.global_batch = 64;
  batch.tokens_per_sequence = 10;
  batch.longest_sequence = 10;
  batch.micro_batch_tokens = 20;
  batch.predictions_per_token = 0.1;
  return batch;
}

// 20 tokens, 2 masked positions. Reference, fp32: a layer keeps (8*4 + 2*8) * 4 = 192 and 2 heads *
// 10
// * 4 = 80 bytes a token; two layers 544. Embeddings 3*4*4 = 48. Backward (4*4 + 2*8) * 4 + 2*4*20
// = 288. Head 4*4*4 + 100 * 12 = 1264 a position. The words' gradient 100*4*4.
TEST(PlanMemory, OfReferenceActivationsIsAsWorkedOutByHand) {
  auto model = small_model();
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()), 20 * 880 + 2 * 1264 + 1600);
  // With dropout: 2 * 4 * 4 = 32 for masks of hidden values, and per score 4 + 4 + 4 instead of 4.
  model.config.hidden_dropout = model.config.attention_dropout = 0.1;
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()),
                   20 * (880 + 2 * (32 + 20 * 8)) + 2 * 1264 + 1600);
  // Recomputed: inputs of 4 * 4 bytes, and all of two layers, one in the heap of each thread.
  model.config.layers = 3;
  model.config.recompute = Recompute::layers;
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()),
                   20 * (3 * 16 + 2 * 464 + 48 + 288) + 2 * 1264 + 1600);
}

// A layer (7*4 + 8) * 4 + (2 + 2) * 4 = 160 a token, its output 16; embeddings 2*4*4 + 4 = 36;
// scratch 2 outputs, 3 gradients and a wide one: (5*4 + 8) * 4 = 112. Head 6*4*4 + 8 + 100*4 = 504
// a position; gradients of the states 3*4*4.
TEST(PlanMemory, OfFusedActivationsIsAsWorkedOutByHand) {
  auto model = small_model();
  model.fused = true;
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()), 20 * (2 * 176 + 36 + 112 + 48) + 1008);
  // The last layer leaves out all but 2 masked positions and the first of 2 sequences: keys and
  // values of 20 rows, 160 - 16, its output, one scratch row of 16 and three gradients of 4.
  model.leaves_rows_out = true;
  const double rest = 20 * (36 + 112) + 1008 + 4 * (16 + 48);
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()),
                   20 * (176 + 2 * 16) + 4 * (144 + 16) + rest);
  // Recomputed: the first layer's output, one set for both, and the last one's input, query,
  // output.
  model.config.recompute = Recompute::layers;
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()), 20 * (16 + 160) + 4 * 3 * 16 + rest);
  // bf16: halves, but for the fp32 columns; and a rounded gradient of the words.
  model.precision = Precision::bf16;
  const double columns = 20 * 16 + 20 * 4 + 2 * 8;
  EXPECT_DOUBLE_EQ(activation_bytes(model, small_batch()),
                   (20 * (16 + 160) + 4 * 3 * 16 + rest - columns) / 2 + columns + 100 * 4 * 2);
}

TEST(PlanMemory, OfLibrariesIsAnAllowance) {
  auto model = small_model();
  EXPECT_DOUBLE_EQ(plan_memory(model, small_batch(), 1, false).libraries,
                   0.13 * activation_bytes(model, small_batch()));
  model.fused = true;
  EXPECT_EQ(plan_memory(model, small_batch(), 1, false).libraries, 0);
  model.precision = Precision::bf16;
  EXPECT_DOUBLE_EQ(plan_memory(model, small_batch(), 1, false).libraries, 64 * 0.9e6);
  model.on_gpu = true;
  EXPECT_EQ(plan_memory(model, small_batch(), 1, false).libraries, 0);
}

// 1000 elements: a rank hears of its part from all others, and adds up then.
TEST(PlanMemory, OfCommunicationIsWhatComesIn) {
  auto model = small_model();
  const auto bytes = [&](int ranks, bool sharded) {
    return plan_memory(model, small_batch(), ranks, sharded).communication;
  };
  EXPECT_EQ(bytes(1, false), 0);
  EXPECT_EQ(bytes(4, false), 3000);
  EXPECT_EQ(bytes(4, true), 3000);
  model.sharding = Sharding::whole_parameters;
  model.offsets = {0, 400, 450};  // parts of 450 and 550
  EXPECT_EQ(bytes(2, false), 2000);
  EXPECT_EQ(bytes(2, true), 2200);
  model.reduce_bytes = 2;  // and a copy of all in bf16
  EXPECT_EQ(bytes(4, false), 1500 + 2000);
  model.over_mpi = false;
  EXPECT_EQ(bytes(4, false), 2000);
}

// A hundred million words' values are rank 0's alone, and come from 255 others: 64 MiB at a time.
TEST(PlanMemory, OfAParameterThatOneRankOwnsIsBounded) {
  auto model = small_model();
  model.sharding = Sharding::whole_parameters;
  model.offsets = {0, 100'000'000};
  model.parameters = 100'001'000;
  EXPECT_EQ(plan_memory(model, small_batch(), 256, true).communication, 64.0 * (1 << 20));
}

TEST(PlanMemory, OfTheStateIsSixteenBytesAParameterLessWhenSharded) {
  auto model = small_model();
  const auto alone = plan_memory(model, small_batch(), 1, false);
  EXPECT_EQ(alone.weights, 4000);
  EXPECT_EQ(alone.gradients, 4000);
  EXPECT_EQ(alone.moments, 8000);
  EXPECT_EQ(alone.saving, 0);
  EXPECT_EQ(plan_memory(model, small_batch(), 4, false).moments, 8000);
  EXPECT_EQ(plan_memory(model, small_batch(), 4, true).moments, 2000);
  model.precision = Precision::bf16;
  EXPECT_EQ(plan_memory(model, small_batch(), 4, true).weights, 6000);
  model.async_save = true;  // weights, and all moments, a quarter of them, or none
  EXPECT_EQ(plan_memory(model, small_batch(), 1, false).saving, 12000);
  EXPECT_EQ(plan_memory(model, small_batch(), 2, false).saving, 6000);
  EXPECT_EQ(plan_memory(model, small_batch(), 4, false).saving, 4000);
  EXPECT_EQ(plan_memory(model, small_batch(), 4, true).saving, 6000);
  model.moment_bytes = 2;  // bf16
  EXPECT_EQ(plan_memory(model, small_batch(), 1, false).moments, 4000);
  EXPECT_EQ(plan_memory(model, small_batch(), 4, true).moments, 1000);
  EXPECT_EQ(plan_memory(model, small_batch(), 1, false).saving, 8000);
}

// Parameters of 400, 50 and 550 elements. Two ranks part at the border next to 448: at 450, and the
// second holds two moments of 550; of four, the last does. While saving everyone holds his moments
// twice, and rank 0 1000 weights besides: with 450 elements that is more.
TEST(PlanMemory, OfPartsOfWholeParametersIsThatOfTheRankWithTheMost) {
  auto model = small_model();
  model.offsets = {0, 400, 450};
  model.sharding = Sharding::whole_parameters;
  EXPECT_EQ(plan_memory(model, small_batch(), 1, true).moments, 8000);
  EXPECT_EQ(plan_memory(model, small_batch(), 2, true).moments, 2 * 4 * 550);
  EXPECT_EQ(plan_memory(model, small_batch(), 4, true).moments, 2 * 4 * 550);
  EXPECT_EQ(plan_memory(model, small_batch(), 2, false).moments, 8000);
  model.async_save = true;
  const auto first = plan_memory(model, small_batch(), 2, true);
  EXPECT_EQ(first.moments, 2 * 4 * 450);
  EXPECT_EQ(first.saving, 2 * 4 * 450 + 4000);
  model.offsets = {0, 100, 200};  // 200 and 800: 2 * 8 * 200 + 4000 are less than 2 * 8 * 800
  const auto last = plan_memory(model, small_batch(), 2, true);
  EXPECT_EQ(last.moments, 2 * 4 * 800);
  EXPECT_EQ(last.saving, 2 * 4 * 800);
}

PlanQuestion small_question() {
  PlanQuestion question{small_model(), small_batch(), {100, 0.5}, {}, false};
  question.network.ranks_per_node = 2;
  question.network.in_node_bytes_per_second = 2000;
  question.network.between_nodes_bytes_per_second = 500;
  question.network.latency_seconds = 0.25;
  question.network.bucket_bytes = 1000;
  return question;
}

// 4000 bytes, 2 ranks: half of them at 2000 bytes/s is 1 s; 4 buckets of 0.25 s * log2(2) another 1
// s; there and back 4 s. Over 4 ranks: 3/4 of 4000 at 500 is 6 s, 4 * 0.25 * 2 = 2 s; 16 s.
TEST(PlanStep, CommunicationIsAsWorkedOutByHand) {
  const auto question = small_question();
  EXPECT_DOUBLE_EQ(all_reduce_seconds(question.network, 1000, 1), 0);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(question.network, 1000, 2), 4);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(question.network, 1000, 4), 16);
}

// 2 ranks: 32 sequences of 10 tokens are 16 micro-batches and 3.2 s; the last backward is 2/3 of
// 20 / 100 s and hides 0.1333 of the 4 s. 1 rank: nothing to exchange.
TEST(PlanStep, HidesCommunicationBehindTheLastBackward) {
  const auto question = small_question();
  const auto alone = plan_step(question, 1), two = plan_step(question, 2);
  EXPECT_EQ(alone.micro_batches, 32);
  EXPECT_DOUBLE_EQ(alone.total(), 6.4 + 0.5);
  EXPECT_EQ(two.micro_batches, 16);
  EXPECT_DOUBLE_EQ(two.compute, 3.2);
  EXPECT_NEAR(two.exposed_communication, 4 - 0.2 * 2 / 3, 1e-12);
  auto sharded = question;
  // Half the reduction hides as before, and 1/3 of 20 / 100 s of forward hides as much of the 2 s
  // in which the weights come back.
  sharded.sharded = true;
  EXPECT_DOUBLE_EQ(plan_step(sharded, 2).optimizer, 0.25);
  EXPECT_NEAR(plan_step(sharded, 2).exposed_communication, 2 - 0.2 * 2 / 3 + 2 - 0.2 / 3, 1e-12);
}

TEST(PlanStep, AlwaysShowsTheLastBucket) {
  auto question = small_question();
  question.speed.tokens_per_second = 1;  // backward takes long enough to hide everything
  // 1000 bytes: 0.25 s and 0.25 s, there and back.
  EXPECT_DOUBLE_EQ(plan_step(question, 2).exposed_communication, 1.0);
  question.sharded = true;  // there, and back at the next step's beginning
  EXPECT_DOUBLE_EQ(plan_step(question, 2).exposed_communication, 1.0);
}

// Parameters of 600 and 400 elements make two buckets, however small these are meant to be: the
// last is 2400 bytes, of which half take 0.6 s and three messages 0.75 s, there and back.
TEST(PlanStep, TheLastBucketHoldsAWholeParameter) {
  auto question = small_question();
  question.speed.tokens_per_second = 1;
  question.model.offsets = {0, 600};
  EXPECT_DOUBLE_EQ(plan_step(question, 2).exposed_communication, 2.7);
}

TEST(FittingMicroBatch, FillsTheMemoryInWholeSequences) {
  const auto question = small_question();
  // Of activations 0.13 again in heaps; 2000 from the other rank; 425 MB of the program.
  const double sequence = 1.13 * (10 * 880 + 1264), rest = 16000 + 1.13 * 1600 + 2000 + 425e6;
  EXPECT_EQ(fitting_micro_batch(question, 2, rest + 3.5 * sequence), 30);
  EXPECT_EQ(fitting_micro_batch(question, 2, rest + 0.5 * sequence), 0);
  EXPECT_EQ(fitting_micro_batch(question, 2, 100), 0);
  EXPECT_EQ(fitting_micro_batch(question, 2, 1e12), 320);  // no more than its share
}

// NVIDIA/DeepLearningExamples, PyTorch/LanguageModeling/BERT/README.md as of commit 729963dd
// (container 21.11), training performance of BERT-large in FP16 on DGX A100 (8 x 80 GB): sequences
// a second on one GPU, and the multi-node table of 8, 16, 32, 64, 128 and 256 with one global
// batch. Given besides: NVLink and InfiniBand at vendor rates for a node (8 links of 200 Gb/s), an
// update of 336 M parameters by LAMB at 20 ms (about 60 bytes a parameter and pass at 1.5 TB/s; an
// estimate). The model knows no stragglers.
struct PublishedScaling {
  std::int64_t global_batch, micro_batch;  // sequences
  double tokens_per_sequence, alone;       // alone: sequences a second on one GPU
  std::array<double, 6> sequences_per_second;
};

void expect_scaling(const PublishedScaling& published, double bound) {
  PlanQuestion question;
  question.model.parameters = 336'000'000;
  question.batch.global_batch = published.global_batch;
  question.batch.tokens_per_sequence = published.tokens_per_sequence;
  question.batch.micro_batch_tokens = static_cast<std::int64_t>(
      static_cast<double>(published.micro_batch) * published.tokens_per_sequence);
  question.speed = {published.alone * published.tokens_per_sequence, 0.020};
  question.network.ranks_per_node = 8;
  question.network.in_node_bytes_per_second = 235e9;
  question.network.between_nodes_bytes_per_second = 160e9;
  question.network.latency_seconds = 20e-6;
  question.network.reduce_bytes = 2;
  int ranks = 8;
  for (const double rate : published.sequences_per_second) {
    const double modelled =
        static_cast<double>(published.global_batch) / plan_step(question, ranks).total();
    EXPECT_NEAR(modelled / rate, 1.0, bound) << ranks;
    ranks *= 2;
  }
}

TEST(PlanStep, FollowsPublishedScalingOfPhaseOneWithinThreePercent) {
  expect_scaling({65536, 256, 128, 580, {4553, 9191, 18119, 35774, 70555, 138294}}, 0.03);
}

// Sequences of up to 512 tokens, in bins of like lengths (64 apart), so the tokens of a sequence
// are not published; the model does not depend on them where the rate in sequences is given.
TEST(PlanStep, FollowsPublishedScalingOfPhaseTwoWithinFivePercent) {
  expect_scaling({32768, 128, 512, 210, {1648, 3291, 6464, 13005, 25570, 49663}}, 0.05);
}

}  // namespace
}  // namespace bertha
