#pragma once
// For the two files of this folder that call libarchive.

#include <locale.h>

#include "core/error.hpp"

namespace darkshelf::volume {

/// libarchive looks at the locale for names, and its pax writer crashes on names that are not ASCII in the C locale
/// (libarchive issue 2233). This thread has UTF-8 as long as the object lives.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(utf8())) {}
  ~Utf8Locale() { ::uselocale(before_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t kLocale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (kLocale == nullptr)
      throw core::Error(core::Code::kFailed, "this system has no C.UTF-8 locale, which tar files need");
    return kLocale;
  }
  locale_t before_;
};

}  // namespace darkshelf::volume
