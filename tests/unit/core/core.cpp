#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/id.hpp"
#include "core/text.hpp"
#include "core/work.hpp"

namespace darkshelf::testing {

using namespace std::chrono_literals;

TEST_CASE("sizes: as people write and read them") {
  CHECK(core::parse_size("4096") == 4096);
  CHECK(core::parse_size("8GiB") == std::uint64_t{8} << 30);
  CHECK(core::parse_size("500 MB") == 500'000'000);
  CHECK(core::parse_size("1.5tb") == 1'500'000'000'000);
  CHECK(core::parse_size("2K") == 2048);
  for (const char* bad : {"", "-1", "GiB", "1XB", "1e999", "nan", "99999999TB", "1 GiB x"})
    CHECK_THROWS_AS(core::parse_size(bad), core::Error);
  CHECK(core::format_size(0) == "0 B");
  CHECK(core::format_size(999) == "999 B");
  CHECK(core::format_size(1500) == "1.5 KB");
  CHECK(core::format_size(12'345'678'901) == "12.3 GB");
}

TEST_CASE("times: durations, dates and moments") {
  CHECK(core::parse_duration("40m") == 40min);
  CHECK(core::parse_duration("1y").count() == 31'557'600);
  CHECK(core::parse_duration("12mo") == core::parse_duration("1y"));
  for (const char* bad : {"", "soon", "5", "-3h", "3 parsecs"}) CHECK_THROWS_AS(core::parse_duration(bad), core::Error);
  CHECK(core::format_duration(45s) == "45 s");
  CHECK(core::format_duration(200min) == "3 h 20 min");
  const core::Time moment = *core::parse_time("2026-12-31T12:00:00.5Z");
  CHECK(core::format_time(moment) == "2026-12-31T12:00:00.5Z");
  CHECK(core::format_date(moment) == "2026-12-31");
  CHECK(core::format_date_for_people(moment) == "31 Dec 2026");
  CHECK(core::parse_date("2026-02"));
  CHECK_FALSE(core::parse_date("2026-02-30"));
  CHECK_FALSE(core::parse_time("2026-12-31 12:00"));
  CHECK(core::format_time(*core::parse_time("1678-01-01T00:00:00Z")) == "1678-01-01T00:00:00Z");
  CHECK(core::format_time(*core::parse_time("2261-12-31T23:59:59Z")) == "2261-12-31T23:59:59Z");
  for (const char* out_of_range :
       {"0001-01-01T00:00:00Z", "1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z"})
    CHECK_FALSE(core::parse_time(out_of_range));
  CHECK_FALSE(core::parse_date("3000"));
  CHECK(core::leading_date("20260614 smith")->date == "2026-06-14");
  CHECK(core::leading_date("2026_06_14-smith")->date == "2026-06-14");
  CHECK_FALSE(core::leading_date("20261350 smith"));
  CHECK_FALSE(core::leading_date("smith"));
  CHECK_THROWS_AS(core::parse_percent("0%"), core::Error);
  CHECK_THROWS_AS(core::parse_percent("101"), core::Error);
}

TEST_CASE("names: what is printed is safe, what is quoted a shell takes back") {
  CHECK(core::printable("Größe 大") == "Größe 大");
  CHECK(core::printable(std::string("a\n\x1B[31m\xFF", 8)) == "a\\x0A\\x1B[31m\\xFF");
  CHECK(core::printable("\xE2\x80\xAE"
                        "gpj.exe")
            .find("\xE2\x80\xAE") == std::string::npos);
  CHECK_FALSE(core::is_utf8("\xC0\xAF"));      // overlong
  CHECK_FALSE(core::is_utf8("\xED\xA0\x80"));  // a surrogate
  CHECK_FALSE(core::is_utf8("\xF4\x90\x80\x80"));
  CHECK(core::slug("Müller & Söhne: Île de Ré!") == "muller-sohne-ile-de-re");
  CHECK(core::slug("灯台") == "shoot");
  CHECK(core::slug(std::string(100, 'x')).size() == 40);
  CHECK(core::shell_quote("plain-1.JPG") == "plain-1.JPG");
  CHECK(core::shell_quote("it's") == "'it'\\''s'");
  CHECK(core::shell_quote("") == "''");
  CHECK(core::glob_match("*.CR?", "a/b.CR3"));
  CHECK(core::glob_match("[a-c]*[!x]", "bees"));
  CHECK_FALSE(core::glob_match("*.CR3", "b.cr3"));
  CHECK_FALSE(core::glob_match("[", "a"));
  CHECK(core::glob_match(std::string(200, '*') + "b", std::string(200, 'a') + "b"));
  CHECK_FALSE(core::glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(300, 'a')));  // and it ends
  CHECK(core::count_of(1, "photo") == "1 photo");
  CHECK(core::count_of(2412, "photo") == "2,412 photos");
}

TEST_CASE("bytes: hexadecimal, base64, checked sums") {
  const core::Bytes bytes = core::to_bytes(std::string("\0\x7F\x80\xFF", 4));
  CHECK(core::to_hex(bytes) == "007f80ff");
  CHECK(*core::from_hex("007F80ff") == bytes);
  CHECK_FALSE(core::from_hex("0"));
  CHECK_FALSE(core::from_hex("0g"));
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})  // RFC 4648 section 10
    CHECK(core::as_text(*core::from_base64(core::to_base64(core::as_bytes(text)))) == text);
  CHECK(core::to_base64(core::as_bytes("fooba")) == "Zm9vYmE=");
  for (const char* bad : {"Zg", "Z===", "Zm9v!", "Zg==Zg=="}) CHECK_FALSE(core::from_base64(bad));
  CHECK_FALSE(core::checked_add(~std::uint64_t{0}, 1));
  CHECK_FALSE(core::checked_mul(std::uint64_t{1} << 40, std::uint64_t{1} << 40));
  CHECK(core::divide_up(~std::uint64_t{0}, 2) == std::uint64_t{1} << 63);
}

TEST_CASE("ids: random, readable, and repeatable in a steady world") {
  core::SteadyWorld world(*core::parse_time("2026-12-31T12:00:00Z"), 1),
      same(*core::parse_time("2026-12-31T12:00:00Z"), 1);
  const core::Uuid id = world.new_id();
  CHECK(id == same.new_id());
  CHECK(id != world.new_id());
  CHECK(core::Uuid::parse(id.text()) == id);
  CHECK(id.text()[14] == '4');
  CHECK(id.short_text().size() == 5);
  CHECK_FALSE(core::Uuid::parse("not an id"));
  CHECK_FALSE(core::Uuid::parse(id.text() + "0"));
  CHECK(core::real_world().new_id() != core::real_world().new_id());
}

TEST_CASE("work: every piece once, the first failure told, cancelling seen") {
  std::vector<std::atomic<int>> times(1000);
  core::parallel_for(4, times.size(), [&](std::size_t i) { ++times[i]; });
  CHECK(std::all_of(times.begin(), times.end(), [](const auto& t) { return t == 1; }));
  CHECK_THROWS_AS(core::parallel_for(3, 50,
                                     [](std::size_t i) {
                                       if (i == 7) throw core::Error(core::Code::kFailed, "seven");
                                     }),
                  core::Error);
  core::Cancel cancel;
  core::Work work;
  work.cancel = &cancel;
  work.check();
  cancel.request();
  try {
    work.check();
    FAIL("it should have stopped");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kCancelled);
  }
}

}  // namespace darkshelf::testing
