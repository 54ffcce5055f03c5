#include "native/control_data.h"

#include "native/arguments.h"
#include "native/text.h"

#include <array>
#include <optional>
#include <utility>

namespace py = pybind11;

namespace pythonfilter::native {

namespace {

constexpr std::string_view kText = "sfU";  // '' when absent
constexpr std::string_view kTextOrNone = "eMitEpWvXu";
constexpr std::string_view kFlags = "w8mVT";
constexpr std::string_view kLetters = "sfUeMitEpWvXuw8mVT";  // all of them, flags last

// Guarded by the GIL, as the guard of a static in a function would be waited for with the GIL held. Never freed: the
// interpreter is gone when statics are destroyed.
PyObject* empty_data_model = nullptr;

py::object key(char letter) { return py::reinterpret_steal<py::object>(PyUnicode_FromOrdinal(letter)); }

py::dict make_empty_data() {
    py::dict data;
    for (const char letter : kText) data[key(letter)] = "";
    for (const char letter : kTextOrNone) data[key(letter)] = py::none();
    for (const char letter : kFlags) data[key(letter)] = false;
    return data;
}

/// What get_control_data() says of an empty file, but for the recipients. Copying it is faster than building it.
py::dict empty_data() {
    if (empty_data_model == nullptr) empty_data_model = make_empty_data().release().ptr();
    auto copy = py::reinterpret_steal<py::dict>(PyDict_Copy(empty_data_model));
    if (!copy) throw py::error_already_set();
    return copy;
}

/// The last value of each letter that is a key.
class Scalars {
public:
    void add(const ControlRecord& record) {
        const auto place = kLetters.find(record.letter);
        if (place != std::string_view::npos) last_[place] = record.value;
    }

    void put_into(py::dict& data) const {
        for (std::size_t place = 0; place < kLetters.size(); ++place) {
            if (!last_[place]) continue;
            const bool is_flag = place >= kLetters.size() - kFlags.size();
            data[key(kLetters[place])] = is_flag ? py::object(py::bool_(true)) : to_text(*last_[place]);
        }
    }

private:
    std::array<std::optional<std::string_view>, kLetters.size()> last_;
};

PyObject* new_text(std::string_view bytes) { return to_text(bytes).release().ptr(); }

py::list make_recipient_data(const Recipient& recipient, const py::str& dsn) {
    py::list data(3);
    // The list is new: its items are NULL, and nobody else has seen it.
    PyList_SET_ITEM(data.ptr(), 0, new_text(recipient.address));
    PyList_SET_ITEM(data.ptr(), 1, new_text(recipient.original));
    PyList_SET_ITEM(data.ptr(), 2, py::str(dsn).release().ptr());
    return data;
}

}  // namespace

py::list recipient_data(const Recipient& recipient) { return make_recipient_data(recipient, to_text(recipient.dsn)); }

void append_recipients(py::list& all, const std::vector<Recipient>& recipients) {
    // Nearly all recipients of a message have the same flags.
    std::string_view flags;
    py::str flags_text;
    for (const auto& recipient : recipients) {
        if (recipient.dsn != flags) {
            flags = recipient.dsn;
            flags_text = to_text(flags);
        }
        all.append(make_recipient_data(recipient, flags_text));
    }
}

py::dict control_data(const py::iterable& control_paths) {
    auto data = empty_data();
    py::list recipients;
    bool is_first = true;
    ControlText text;
    for (const auto& path : control_paths) {
        read_file(path, text);
        Scalars scalars;
        RecipientTable table;
        ControlRecords records(text.view());
        for (ControlRecord record; records.next(record);)
            if (!table.add(record)) scalars.add(record);
        if (is_first) scalars.put_into(data);
        is_first = false;
        append_recipients(recipients, std::move(table).open_ones());
    }
    if (is_first) throw py::index_error("no control paths");
    data["r"] = recipients;
    return data;
}

}  // namespace pythonfilter::native
