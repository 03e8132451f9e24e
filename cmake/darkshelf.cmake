# One library a folder, third-party libraries PRIVATE to the folder that uses them.

add_library(darkshelf_settings INTERFACE)
target_include_directories(darkshelf_settings INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_compile_options(darkshelf_settings INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(DARKSHELF_STOP_POINTS)
  target_compile_definitions(darkshelf_settings INTERFACE DARKSHELF_STOP_POINTS=1)
endif()

# darkshelf_library(NAME [DEPENDS folders…] [PRIVATE third-party targets…]): every .cpp of this folder.
function(darkshelf_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;PRIVATE")
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(darkshelf_${name} STATIC ${sources})
  target_link_libraries(darkshelf_${name} PUBLIC darkshelf_settings PRIVATE ${arg_PRIVATE})
  foreach(folder IN LISTS arg_DEPENDS)
    target_link_libraries(darkshelf_${name} PUBLIC darkshelf_${folder})
  endforeach()
endfunction()
