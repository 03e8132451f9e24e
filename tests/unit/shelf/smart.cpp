// Understanding what smartctl prints, and what hostile or broken programs print in its place.

#include <catch2/catch.hpp>
#include <limits>

#include "io/process.hpp"
#include "shelf/wear.hpp"
#include "support/skip.hpp"
#include "support/smart_texts.hpp"

namespace darkshelf::testing {

using Kind = shelf::SmartAnswer::Kind;

TEST_CASE("smart: an ATA disk behind a USB bridge that passes it on") {
  AtaDisk disk;
  disk.reallocated = 12;
  disk.pending = 3;
  disk.uncorrectable = 2;
  disk.reported = 7;
  disk.crc = 140;
  const shelf::SmartAnswer answer = shelf::smart_answer(ata_text(disk));
  REQUIRE(answer.kind == Kind::kRead);
  const catalog::Wear& wear = answer.wear;
  CHECK(wear.model == "WDC WD40EFRX-68N32N0");
  CHECK(wear.serial == "WD-WX12D3456789");
  CHECK(wear.passed == true);
  CHECK(wear.count("power_on_hours") == 34'120u);
  CHECK(wear.count("temperature") == 34u);
  CHECK(wear.count("reallocated") == 12u);
  CHECK(wear.count("pending") == 3u);
  CHECK(wear.count("uncorrectable") == 2u);
  CHECK(wear.count("reported") == 7u);
  CHECK(wear.count("crc_errors") == 140u);
  CHECK_FALSE(wear.count("media_errors"));
  disk.passed = false;
  CHECK(shelf::smart_answer(ata_text(disk)).wear.passed == false);
}

TEST_CASE("smart: an NVMe disk") {
  NvmeDisk disk;
  disk.media_errors = 4;
  disk.critical_warning = 4;
  const shelf::SmartAnswer answer = shelf::smart_answer(nvme_text(disk));
  REQUIRE(answer.kind == Kind::kRead);
  CHECK(answer.wear.serial == "S4EVNF0M123456");
  CHECK(answer.wear.passed == false);
  CHECK(answer.wear.count("media_errors") == 4u);
  CHECK(answer.wear.count("percentage_used") == 3u);
  CHECK(answer.wear.count("available_spare") == 100u);
  CHECK(answer.wear.count("spare_threshold") == 10u);
  CHECK(answer.wear.count("critical_warning") == 4u);
  CHECK(answer.wear.count("power_on_hours") == 812u);
  CHECK(answer.wear.count("temperature") == 41u);
}

TEST_CASE("smart: a SCSI disk has its grown defects and uncorrected errors") {
  const shelf::SmartAnswer answer = shelf::smart_answer(
      R"({"smartctl":{"exit_status":0},"device":{"protocol":"SCSI"},"scsi_model_name":"SEAGATE ST4000NM0023",
          "serial_number":"Z1Z0ABCD","smart_status":{"passed":true},"scsi_grown_defect_list":9,
          "scsi_error_counter_log":{"read":{"total_uncorrected_errors":2},"write":{"total_uncorrected_errors":1}},
          "power_on_time":{"hours":100,"minutes":12}})");
  REQUIRE(answer.kind == Kind::kRead);
  CHECK(answer.wear.model == "SEAGATE ST4000NM0023");
  CHECK(answer.wear.count("reallocated") == 9u);
  CHECK(answer.wear.count("reported") == 3u);
}

TEST_CASE("smart: the count is what stands first in the text of a raw value, which may hold more") {
  const auto reallocated = [](const std::string& raw, std::uint64_t value) {
    return shelf::smart_answer(R"({"smartctl":{},"ata_smart_attributes":{"table":[)" +
                               ata_attribute(5, "Reallocated_Sector_Ct", raw, value) + "]}}")
        .wear.count("reallocated");
  };
  CHECK(reallocated("8 (2 1)", 0x0002'0001'0008) == 8u);
  CHECK(reallocated("0", 0x7000'0000'0000) == 0u);
  CHECK(reallocated("0/12", 12) == std::nullopt);
  CHECK(reallocated("", 12) == 12u);
  CHECK(reallocated("-1", 12) == std::nullopt);
  CHECK(reallocated("99999999999999999999999", 12) == std::nullopt);
}

TEST_CASE("smart: one who may not ask, a bridge that passes nothing on, and a virtual disk are told apart") {
  CHECK(shelf::smart_answer(smart_denied()).kind == Kind::kDenied);
  const shelf::SmartAnswer bridge = shelf::smart_answer(smart_usb_bridge());
  CHECK(bridge.kind == Kind::kAbsent);
  CHECK(bridge.message.find("Unknown USB bridge") != std::string::npos);
  CHECK(shelf::smart_answer(smart_failure("/dev/vda: Unable to detect device type", 1)).kind == Kind::kAbsent);
  // It tells who it is, and nothing of how it is.
  CHECK(shelf::smart_answer(R"({"smartctl":{"exit_status":4},"model_name":"Flash Disk","serial_number":"1",
      "smart_support":{"available":false},"temperature":{"current":30}})")
            .kind == Kind::kAbsent);
}

TEST_CASE("smart: what is no answer of smartctl is none, and fields of other kinds are not there") {
  for (const char* text : {"", "smartctl: command not found", "[]", "7", "null", "{}", R"({"smartctl":7})",
                           "{\"smartctl\":", R"({"smart_status":{"passed":true}})", "\x00\xFF\xFE"}) {
    INFO(text);
    CHECK(shelf::smart_answer(text).kind == Kind::kNonsense);
  }
  CHECK(shelf::smart_answer(std::string(1 << 20, '[')).kind == Kind::kNonsense);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  CHECK(shelf::smart_answer(deep).kind == Kind::kNonsense);
  const shelf::SmartAnswer odd = shelf::smart_answer(
      R"({"smartctl":{"messages":{"string":3}},"model_name":["x"],"serial_number":5,"smart_status":{"passed":true},
          "ata_smart_attributes":{"table":[null,5,{"id":"5"},{"id":197,"raw":{"value":-4}},{"id":198,"raw":7}]},
          "nvme_smart_health_information_log":[],"power_on_time":{"hours":1e30},"temperature":{"current":"hot"}})");
  CHECK(odd.kind == Kind::kRead);
  CHECK(odd.wear.counts.empty());
  CHECK(odd.wear.model.empty());
  const shelf::SmartAnswer rude =
      shelf::smart_answer("{\"smartctl\":{},\"smart_status\":{\"passed\":true},\"model_name\":\"a\\u001b[31m" +
                          std::string(100'000, 'x') + "\"}");
  CHECK(rude.wear.model.size() <= 110);
  CHECK(rude.wear.model.find('\x1b') == std::string::npos);
}

TEST_CASE("smart: the real program's words about the disk that is here are understood") {
  const auto program = io::find_program("smartctl");
  if (!program) return skip("smartmontools are not installed");
  const io::ProcessRun run = io::run_program(*program, {"--json=c", "--all", "/dev/nonexistent"}, {});
  CHECK(run.end == io::ProcessEnd::kExited);
  const shelf::SmartAnswer answer = shelf::smart_answer(run.out);
  CHECK(answer.kind != Kind::kNonsense);
  CHECK(answer.kind != Kind::kRead);
  CHECK_FALSE(answer.message.empty());
  for (const char* disk : {"/dev/sda", "/dev/vda", "/dev/nvme0n1"}) {
    if (!io::posix().stat_following(disk)) continue;
    INFO(disk);
    CHECK(shelf::smart_answer(io::run_program(*program, {"--json=c", "--all", disk}, {}).out).kind != Kind::kNonsense);
  }
}

}  // namespace darkshelf::testing
