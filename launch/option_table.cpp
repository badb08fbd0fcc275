// The parts of the table, one behind the other.
#include "launch/option_table.h"

#include "launch/option_declaring.h"

namespace bertha {

const std::vector<OptionDeclaration>& option_table() {
  static const std::vector<OptionDeclaration> table = [] {
    std::vector<OptionDeclaration> all;
    for (auto part : {text_options(), data_options(), model_options(), train_options(),
                      task_options(), plan_options(), export_options()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

}  // namespace bertha
