// `prepare` with input.format = nvidia: foreign shards (shards/foreign_shard.h) to a corpus.
//
// What can be kept: the words. Masked tokens are restored, padding and special tokens dropped; a
// text A and the B that follows it become a document of two sentences, an A with a random B two
// documents of one sentence. What is lost: the order of sentences and documents, since shards hold
// neither; what create_pretraining_data.py cut off; and texts stand as often as it duplicated them.
#pragma once

#include "data_pipeline/prepare/prepare.h"

namespace bertha {

// Collective, as prepare_corpus, but an interrupted run starts anew, validation has the last rows
// of every file (or all rows of the files named for it), duplicates stay, and a rank uses one
// thread. A shard of the corpus holds text of one file, so the bytes are the same for any number of
// ranks.
PrepareReport prepare_foreign_corpus(const PrepareOptions& options, const RankInfo& rank,
                                     const PrepareHooks& hooks);

}  // namespace bertha
