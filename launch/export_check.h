// Refuses to export weights that are not those of the model their config.json describes.
#pragma once

#include <filesystem>
#include <string>

namespace bertha {

struct ExportedModel {
  std::filesystem::path folder;
  std::string architecture;  // the class of Transformers that it becomes
  bool asked = false;        // by export.model: weights of other heads are left out
};

// Reads every weight, one at a time. Error{bad_data}: see compare_weights, and where the class
// would lack a weight of its head. A warning says which weights it does not know; of a class that
// is none of Transformers' for BERT only encoder and embeddings are looked at.
void check_exported_model(const ExportedModel& model);

}  // namespace bertha
