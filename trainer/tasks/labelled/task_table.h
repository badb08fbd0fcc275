// The fine-tuning tasks there are.
#pragma once

#include <string>
#include <vector>

#include "trainer/model/bert_config.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

const std::vector<LabelledTaskDefinition>& labelled_tasks();

// By task.name. Error{usage} names those there are.
const LabelledTaskDefinition& find_task(const std::string& name);

// The task that a fine-tuned model is for, out of its config.json; `wanted` (task.name, or empty)
// decides where several would do. Error{bad_data} for a model without a task's head, Error{usage}
// when it is not the wanted one; `folder` names the model.
const LabelledTaskDefinition& task_of_model(const HeadConfig& head, const std::string& wanted,
                                            const std::string& folder);

}  // namespace bertha
