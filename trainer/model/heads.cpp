// Which parameters each head has, under the names of Transformers' BertFor... classes.
#include "trainer/model/heads.h"

#include "parallel/base/error.h"

namespace bertha {
namespace {

const char* const kPooler = "bert.pooler.dense";
const char* const kTransform = "cls.predictions.transform.dense";
const char* const kTransformNorm = "cls.predictions.transform.LayerNorm";
const char* const kDecoderBias = "cls.predictions.bias";
const char* const kNextSentence = "cls.seq_relationship";
const char* const kClassifier = "classifier";
const char* const kQuestion = "qa_outputs";

bool has_pooler(Head head) {
  return head == Head::none || head == Head::pretraining || head == Head::sequence;
}
bool has_masked_lm(Head head) {
  return head == Head::pretraining || head == Head::masked_lm;
}
bool has_classifier(Head head) {
  return head == Head::sequence || head == Head::token;
}

}  // namespace

const char* head_architecture(Head head) {
  switch (head) {
    case Head::none:
      return "BertModel";
    case Head::pretraining:
      return "BertForPreTraining";
    case Head::masked_lm:
      return "BertForMaskedLM";
    case Head::sequence:
      return "BertForSequenceClassification";
    case Head::token:
      return "BertForTokenClassification";
    case Head::question:
      return "BertForQuestionAnswering";
  }
  throw Error(ErrorKind::internal, "unknown head");
}

void add_head_parameters(const BertConfig& config, Head head, std::int64_t labels,
                         std::vector<ParameterSpec>& specs) {
  const auto hidden = config.hidden_size;
  if (has_pooler(head)) add_dense(kPooler, {hidden, hidden}, specs);
  if (has_masked_lm(head)) {
    add_dense(kTransform, {hidden, hidden}, specs);
    add_norm(kTransformNorm, hidden, specs);
    specs.push_back({kDecoderBias, {config.vocabulary_size}, InitialValue::zeros});
  }
  if (head == Head::pretraining) add_dense(kNextSentence, {hidden, 2}, specs);
  if (has_classifier(head)) {
    if (labels < 1) throw Error(ErrorKind::usage, "a classifier needs at least one label");
    add_dense(kClassifier, {hidden, labels}, specs);
  }
  if (head == Head::question) add_dense(kQuestion, {hidden, 2}, specs);
}

HeadWeights head_weights(const ParameterSpace& space, Head head) {
  HeadWeights weights;
  if (has_pooler(head)) weights.pooler = dense_named(space, kPooler);
  if (has_masked_lm(head)) {
    weights.transform = dense_named(space, kTransform);
    weights.transform_norm = norm_named(space, kTransformNorm);
    weights.decoder_bias = leaf_named(space, kDecoderBias);
  }
  if (head == Head::pretraining) weights.next_sentence = dense_named(space, kNextSentence);
  if (has_classifier(head)) weights.classifier = dense_named(space, kClassifier);
  if (head == Head::question) weights.question = dense_named(space, kQuestion);
  return weights;
}

}  // namespace bertha
