#pragma once
// What smartctl prints with --json --all, written after its documented schema (json_format_version 1.0): no disk with
// SMART can be counted on where tests run.

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace darkshelf::testing {

struct AtaDisk {
  std::string serial = "WD-WX12D3456789";
  bool passed = true;
  std::uint64_t hours = 34'120, reallocated = 0, pending = 0, uncorrectable = 0, reported = 0, crc = 0;
  int temperature = 34;
};

inline std::string ata_attribute(int id, const char* name, const std::string& raw, std::uint64_t value) {
  return fmt::format(
      R"({{"id":{},"name":"{}","value":200,"worst":200,"thresh":140,"when_failed":"","flags":{{"value":51,"string":"PO--CK ",)"
      R"("prefailure":true}},"raw":{{"value":{},"string":"{}"}}}})",
      id, name, value, raw);
}

inline std::string ata_text(const AtaDisk& disk) {
  const auto plain = [](int id, const char* name, std::uint64_t count) {
    return ata_attribute(id, name, std::to_string(count), count);
  };
  return fmt::format(
      R"({{"json_format_version":[1,0],"smartctl":{{"version":[7,3],"argv":["smartctl","--json=c","--all","/dev/sdb"],"exit_status":{}}},)"
      R"("device":{{"name":"/dev/sdb","info_name":"/dev/sdb [SAT]","type":"sat","protocol":"ATA"}},)"
      R"("model_family":"Western Digital Red","model_name":"WDC WD40EFRX-68N32N0","serial_number":"{}","firmware_version":"82.00A82",)"
      R"("rotation_rate":5400,"smart_support":{{"available":true,"enabled":true}},"smart_status":{{"passed":{}}},)"
      R"("ata_smart_attributes":{{"revision":16,"table":[{},{},{},{},{},{}]}},)"
      R"("power_on_time":{{"hours":{}}},"power_cycle_count":311,"temperature":{{"current":{}}}}})",
      disk.passed ? 0 : 8, disk.serial, disk.passed, plain(5, "Reallocated_Sector_Ct", disk.reallocated),
      plain(187, "Reported_Uncorrect", disk.reported),
      ata_attribute(194, "Temperature_Celsius", fmt::format("{} (Min/Max 18/51)", disk.temperature), 0x0033'0012'0022),
      plain(197, "Current_Pending_Sector", disk.pending), plain(198, "Offline_Uncorrectable", disk.uncorrectable),
      plain(199, "UDMA_CRC_Error_Count", disk.crc), disk.hours, disk.temperature);
}

struct NvmeDisk {
  std::string serial = "S4EVNF0M123456";
  unsigned critical_warning = 0, percentage_used = 3, spare = 100, spare_threshold = 10;
  std::uint64_t media_errors = 0, hours = 812;
  int temperature = 41;
};

inline std::string nvme_text(const NvmeDisk& disk) {
  return fmt::format(
      R"({{"json_format_version":[1,0],"smartctl":{{"version":[7,3],"argv":["smartctl","--json=c","--all","/dev/nvme0n1"],"exit_status":{}}},)"
      R"("device":{{"name":"/dev/nvme0n1","info_name":"/dev/nvme0n1","type":"nvme","protocol":"NVMe"}},)"
      R"("model_name":"Samsung SSD 970 EVO 1TB","serial_number":"{}","firmware_version":"2B2QEXE7",)"
      R"("smart_support":{{"available":true,"enabled":true}},"smart_status":{{"passed":{},"nvme":{{"value":{}}}}},)"
      R"("nvme_smart_health_information_log":{{"critical_warning":{},"temperature":{},"available_spare":{},)"
      R"("available_spare_threshold":{},"percentage_used":{},"data_units_read":1,"power_cycles":300,"power_on_hours":{},)"
      R"("unsafe_shutdowns":12,"media_errors":{},"num_err_log_entries":40}},)"
      R"("temperature":{{"current":{}}},"power_cycle_count":300,"power_on_time":{{"hours":{}}}}})",
      disk.critical_warning != 0 ? 8 : 0, disk.serial, disk.critical_warning == 0, disk.critical_warning,
      disk.critical_warning, disk.temperature, disk.spare, disk.spare_threshold, disk.percentage_used, disk.hours,
      disk.media_errors, disk.temperature, disk.hours);
}

/// A call that came to nothing, with smartctl's own words.
inline std::string smart_failure(const std::string& message, int exit_status) {
  return fmt::format(
      R"({{"json_format_version":[1,0],"smartctl":{{"version":[7,3],"argv":["smartctl","--json=c","--all","/dev/sdb"],)"
      R"("messages":[{{"string":"{}","severity":"error"}}],"exit_status":{}}},"local_time":{{"time_t":1795609011}}}})",
      message, exit_status);
}
inline std::string smart_denied() {
  return smart_failure("Smartctl open device: /dev/sdb failed: Permission denied", 2);
}
inline std::string smart_usb_bridge() {
  return smart_failure("/dev/sdb: Unknown USB bridge [0x152d:0x0562 (0x214)]", 1);
}

}  // namespace darkshelf::testing
