// Why a model cannot have a shape; shared by BertConfig::check and the config.json reader.
#pragma once

#include <string>

#include "trainer/model/bert_config.h"

namespace bertha {

// Empty: none.
std::string config_fault(const BertConfig& config);

}  // namespace bertha
