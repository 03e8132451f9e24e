// smartctl's JSON (json_format_version 1) to what is kept of it.

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "shelf/wear.hpp"

namespace darkshelf::shelf {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLargest = std::uint64_t{1} << 53;  // readers of JSON keep whole numbers up to here
constexpr std::size_t kLongest = 100;

/// The value at a path of names, or null.
const Json& at(const Json& json, std::initializer_list<const char*> names) {
  static const Json kNone;
  const Json* here = &json;
  for (const char* name : names) {
    if (!here->is_object()) return kNone;
    const auto found = here->find(name);
    if (found == here->end()) return kNone;
    here = &*found;
  }
  return *here;
}

std::string text_at(const Json& json, std::initializer_list<const char*> names) {
  const Json& value = at(json, names);
  if (!value.is_string()) return {};
  std::string text = value.get<std::string>();
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return core::printable(text.substr(0, kLongest));
}

std::optional<std::uint64_t> number_in(const Json& value) {
  if (!value.is_number_unsigned()) return {};
  const auto number = value.get<std::uint64_t>();
  return number <= kLargest ? std::optional(number) : std::nullopt;
}

/// Raw values of 48 bits hold more than the count on some disks; smartctl's text of it begins with the count.
std::optional<std::uint64_t> raw_count(const Json& attribute) {
  const std::string text = text_at(attribute, {"raw", "string"});
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failed == std::errc{} && (end == text.data() + text.size() || *end == ' ' || *end == '(');
  if (whole && number <= kLargest) return number;
  return text.empty() ? number_in(at(attribute, {"raw", "value"})) : std::nullopt;
}

class Reading {
 public:
  explicit Reading(const Json& json) : json_(json) {}

  SmartAnswer answer() {
    SmartAnswer answer;
    answer.message = message();
    if (!at(json_, {"smartctl"}).is_object()) return answer;
    identity(answer.wear);
    verdict(answer.wear);
    ata(answer.wear);
    nvme(answer.wear);
    scsi(answer.wear);
    if (told_) {
      common(answer.wear);
      answer.kind = SmartAnswer::Kind::kRead;
    } else {
      answer.kind = is_denied(answer.message) ? SmartAnswer::Kind::kDenied : SmartAnswer::Kind::kAbsent;
    }
    return answer;
  }

 private:
  static bool is_denied(const std::string& message) {
    return message.find("Permission denied") != std::string::npos ||
           message.find("Operation not permitted") != std::string::npos;
  }

  std::string message() const {
    const Json& messages = at(json_, {"smartctl", "messages"});
    if (!messages.is_array()) return {};
    for (const Json& one : messages) {
      if (const std::string text = text_at(one, {"string"}); !text.empty()) return text;
    }
    return {};
  }

  void put(catalog::Wear& wear, const char* name, const std::optional<std::uint64_t>& count) {
    if (count) wear.counts[name] = *count;
  }

  void identity(catalog::Wear& wear) {
    wear.model = text_at(json_, {"model_name"});
    if (wear.model.empty()) wear.model = text_at(json_, {"scsi_model_name"});
    wear.serial = text_at(json_, {"serial_number"});
  }

  void verdict(catalog::Wear& wear) {
    const Json& passed = at(json_, {"smart_status", "passed"});
    if (!passed.is_boolean()) return;
    wear.passed = passed.get<bool>();
    told_ = true;
  }

  void ata(catalog::Wear& wear) {
    const Json& table = at(json_, {"ata_smart_attributes", "table"});
    if (!table.is_array()) return;
    static constexpr std::pair<std::uint64_t, const char*> kAttributes[] = {
        {5, "reallocated"}, {187, "reported"}, {197, "pending"}, {198, "uncorrectable"}, {199, "crc_errors"}};
    for (const Json& attribute : table) {
      const auto id = number_in(at(attribute, {"id"}));
      for (const auto& [known, name] : kAttributes) {
        if (id == known) put(wear, name, raw_count(attribute));
      }
      told_ |= id.has_value();
    }
  }

  void nvme(catalog::Wear& wear) {
    const Json& log = at(json_, {"nvme_smart_health_information_log"});
    if (!log.is_object()) return;
    told_ = true;
    put(wear, "media_errors", number_in(at(log, {"media_errors"})));
    put(wear, "percentage_used", number_in(at(log, {"percentage_used"})));
    put(wear, "available_spare", number_in(at(log, {"available_spare"})));
    put(wear, "spare_threshold", number_in(at(log, {"available_spare_threshold"})));
    put(wear, "critical_warning", number_in(at(log, {"critical_warning"})));
  }

  void scsi(catalog::Wear& wear) {
    if (const auto defects = number_in(at(json_, {"scsi_grown_defect_list"}))) {
      wear.counts["reallocated"] = *defects;
      told_ = true;
    }
    const Json& log = at(json_, {"scsi_error_counter_log"});
    std::uint64_t errors = 0;
    bool any = false;
    for (const char* kind : {"read", "write", "verify"}) {
      if (const auto count = number_in(at(log, {kind, "total_uncorrected_errors"}))) {
        errors = std::min(errors + *count, kLargest);
        any = true;
      }
    }
    if (any) wear.counts["reported"] = errors;
    told_ |= any;
  }

  void common(catalog::Wear& wear) {
    put(wear, "power_on_hours", number_in(at(json_, {"power_on_time", "hours"})));
    put(wear, "temperature", number_in(at(json_, {"temperature", "current"})));
  }

  const Json& json_;
  bool told_ = false;  // anything about its health
};

}  // namespace

SmartAnswer smart_answer(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) return {};
  return Reading(parsed).answer();
}

}  // namespace darkshelf::shelf
