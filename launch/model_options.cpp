// data table: options of samples, their masks and the model.
#include "launch/option_declaring.h"

namespace bertha {

std::vector<OptionDeclaration> data_options() {
  return {
      option("data.corpus", "FOLDER",
             "Corpus made by `bertha prepare`, or NVIDIA's or MLPerf's HDF5 shards (with "
             "--tokenizer.vocab).",
             BERTHA_AT(data.corpus)),
      option("data.validation_fraction", "F",
             "Of NVIDIA's or MLPerf's rows, held out where no file is for it.",
             BERTHA_AT(data.validation_fraction)),
      option("data.sequence_length", "N", "Longest sequence, in tokens with the special ones.",
             BERTHA_AT(data.sequence_length)),
      option("data.next_sentence", "BOOL",
             "Pairs with next-sentence prediction; false: single texts of one document "
             "(RoBERTa's DOC-SENTENCES).",
             BERTHA_AT(data.next_sentence)),
      option("data.short_sequence_probability", "P", "Share of samples of random shorter length.",
             BERTHA_AT(data.short_sequence_probability)),
      option("data.workers", "N", "Threads per rank that build samples.", BERTHA_AT(data.workers)),
      option("data.verify", "LEVEL",
             "quick (sizes, shapes), full (checksums too) or off, before training.",
             BERTHA_AT(data.verify)),
      option("masking.strategy", "NAME", "token, word, span (SpanBERT) or character.",
             BERTHA_AT(data.masking.strategy)),
      option("masking.probability", "P", "Share of the tokens to predict.",
             BERTHA_AT(data.masking.probability)),
      option("masking.mask_fraction", "F", "Of those, replaced by [MASK].",
             BERTHA_AT(data.masking.mask_fraction)),
      option("masking.random_fraction", "F", "Of those, replaced by a random token.",
             BERTHA_AT(data.masking.random_fraction)),
      option("masking.max_predictions", "N", "Most predictions per sequence; 0: no cap.",
             BERTHA_AT(data.masking.max_predictions)),
  };
}

std::vector<OptionDeclaration> model_options() {
  return {
      option("model.size", "NAME", "tiny, mini, small, medium, base or large.",
             BERTHA_AT(trainer.model.size)),
      option("model.config", "FILE", "A Transformers config.json instead of a size.",
             BERTHA_AT(trainer.model.config)),
      option("model.hidden_size", "N", "Overrides the size's.",
             BERTHA_AT(trainer.model.hidden_size)),
      option("model.layers", "N", "Overrides the size's.", BERTHA_AT(trainer.model.layers)),
      option("model.attention_heads", "N", "Overrides the size's.",
             BERTHA_AT(trainer.model.attention_heads)),
      option("model.intermediate_size", "N", "Overrides the size's.",
             BERTHA_AT(trainer.model.intermediate_size)),
      option("model.max_positions", "N", "Longest sequence the model can take, in tokens.",
             BERTHA_AT(trainer.model.max_positions)),
      option("model.hidden_dropout", "P", "Overrides the size's 0.1.",
             BERTHA_AT(trainer.model.hidden_dropout)),
      option("model.attention_dropout", "P", "Overrides the size's 0.1.",
             BERTHA_AT(trainer.model.attention_dropout)),
      option("model.initializer_range", "S",
             "Deviation of the initial weights; overrides the size's 0.02.",
             BERTHA_AT(trainer.model.initializer_range)),
      option(
          "model.implementation", "NAME",
          "auto: fused in fp32 and bf16 where the program has kernels (on a GPU: when it was built "
          "with nvcc), else reference; or one of the two.",
          BERTHA_AT(trainer.model.implementation)),
      option("model.recompute", "NAME",
             "none, or layers: their activations are computed again in backward (less memory, one "
             "more forward pass, the same bits).",
             BERTHA_AT(trainer.model.recompute)),
      option("model.resize_vocabulary", "BOOL",
             "Take train.init's weights for another vocabulary: tokens of both keep theirs.",
             BERTHA_AT(trainer.model.resize_vocabulary)),
  };
}
}  // namespace bertha
