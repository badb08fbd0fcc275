// The fixed parts of the report's page.
#pragma once

#include <string_view>

namespace bertha {

std::string_view report_style();   // CSS
std::string_view report_script();  // JavaScript that draws the charts

}  // namespace bertha
