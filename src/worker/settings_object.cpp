#include "worker/settings_object.h"

#include "worker/python_error.h"
#include "worker/python_object.h"

namespace pythonfilter {
namespace {

constexpr const char* kModule = "courier._settings";
constexpr const char* kFunction = "take_server_settings";

// One overload for each kind of value. Null with a Python error set where there is no memory.
struct ToObject {
    PyObj operator()(std::monostate) const { return borrow(Py_None); }
    PyObj operator()(bool flag) const { return borrow(flag ? Py_True : Py_False); }
    PyObj operator()(std::int64_t number) const { return steal(PyLong_FromLongLong(number)); }
    PyObj operator()(double number) const { return steal(PyFloat_FromDouble(number)); }
    PyObj operator()(const std::string& text) const { return to_python(text); }
    PyObj operator()(const SettingValue::List& list) const {
        PyObj object = steal(PyList_New(0));
        for (const SettingValue& item : list) {
            const PyObj value = std::visit(*this, item.value);
            if (!object || !value || PyList_Append(object.ptr(), value.ptr()) != 0) return {};
        }
        return object;
    }
    PyObj operator()(const SettingValue::Map& map) const {
        PyObj object = steal(PyDict_New());
        for (const SettingEntry& entry : map) {
            const PyObj key = std::visit(*this, entry.key);
            const PyObj value = std::visit(*this, entry.value.value);
            if (!object || !key || !value || PyDict_SetItem(object.ptr(), key.ptr(), value.ptr()) != 0) return {};
        }
        return object;
    }
};

// {key: (value, "file:line")}
PyObj section_object(const std::string& file, const Settings& settings) {
    PyObj section = steal(PyDict_New());
    for (const auto& [name, setting] : settings) {
        const PyObj key = to_python(name);
        const PyObj value = std::visit(ToObject{}, setting.value.value);
        const PyObj place = to_python(file + ":" + std::to_string(setting.line));
        const PyObj pair = value && place ? steal(PyTuple_Pack(2, value.ptr(), place.ptr())) : PyObj();
        if (!section || !key || !pair || PyDict_SetItem(section.ptr(), key.ptr(), pair.ptr()) != 0) return {};
    }
    return section;
}

PyObj sections_object(const ZygoteSpec& spec) {
    PyObj sections = steal(PyDict_New());
    for (const auto& [name, settings] : spec.settings) {
        const PyObj key = to_python(name);
        const PyObj section = section_object(spec.config_file, settings);
        if (!sections || !key || !section || PyDict_SetItem(sections.ptr(), key.ptr(), section.ptr()) != 0) return {};
    }
    return sections;
}

}  // namespace

Status hand_over_settings(const ZygoteSpec& spec) {
    if (spec.settings.empty()) return Done{};
    const PyObj sections = sections_object(spec);
    const PyObj module = sections ? steal(PyImport_ImportModule(kModule)) : PyObj();
    const PyObj result = module ? steal(PyObject_CallMethod(module.ptr(), kFunction, "O", sections.ptr())) : PyObj();
    if (result) return Done{};
    return Error{"the settings cannot be handed to the filters: " + take_python_error().text};
}

}  // namespace pythonfilter
