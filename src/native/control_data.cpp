#include "native/control_data.h"

#include "native/arguments.h"
#include "native/text.h"

#include <algorithm>
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
constexpr std::size_t kMaxExpected = 1 << 16;  // recipients, for which there is room before they are known

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

bool is_same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.data() == b.data() || a == b);
}

/// [address, original, dsn]
PyObject* new_recipient_data(const Recipient& recipient, PyObject* dsn) {
    // The texts first: one that is not UTF-8 makes an exception on the way, and with it may come the collector and what
    // a filter lets it call. A list that it finds is whole.
    const auto address = py::reinterpret_steal<py::object>(new_text(recipient.address));
    const auto original = is_same(recipient.original, recipient.address)
                              ? address
                              : py::reinterpret_steal<py::object>(new_text(recipient.original));
    constexpr Py_ssize_t kSize = 3;
    auto** const items = static_cast<PyObject**>(PyMem_Malloc(kSize * sizeof(PyObject*)));
    auto* const list = reinterpret_cast<PyListObject*>(items ? PyList_New(0) : PyErr_NoMemory());
    if (list == nullptr) {
        PyMem_Free(items);
        throw py::error_already_set();
    }
    items[0] = Py_NewRef(address.ptr());
    items[1] = Py_NewRef(original.ptr());
    items[2] = Py_NewRef(dsn);
    // What PyList_New(kSize) makes, without items that are NULL first.
    list->ob_item = items;
    list->allocated = kSize;
    Py_SET_SIZE(list, kSize);
    return reinterpret_cast<PyObject*>(list);
}

}  // namespace

py::list recipient_data(const Recipient& recipient) {
    return py::reinterpret_steal<py::list>(new_recipient_data(recipient, to_text(recipient.dsn).ptr()));
}

void ObjectList::expect(std::size_t count) {
    list_ = py::list(count);
    PyObject_GC_UnTrack(list_.ptr());
}

void ObjectList::append(PyObject* item) {
    const auto owner = py::reinterpret_steal<py::object>(item);
    if (PyList_Append(list_.ptr(), item) != 0) throw py::error_already_set();
}

py::list ObjectList::take() {
    if (PyList_SetSlice(list_.ptr(), size_, PyList_GET_SIZE(list_.ptr()), nullptr) != 0) throw py::error_already_set();
    PyObject_GC_Track(list_.ptr());
    return std::move(list_);
}

void append_recipients(ObjectList& all, std::span<const Recipient> recipients) {
    // Nearly all recipients of a message have the same flags.
    std::string_view flags;
    py::str flags_text;
    for (const auto& recipient : recipients) {
        if (!is_open(recipient)) continue;
        if (!is_same(recipient.dsn, flags)) {
            flags = recipient.dsn;
            flags_text = to_text(flags);
        }
        all.add(new_recipient_data(recipient, flags_text.ptr()));
    }
}

py::dict control_data(const py::iterable& control_paths) {
    auto data = empty_data();
    ObjectList recipients;
    bool is_first = true;
    ControlReader reader;
    RecipientTable table;
    Scalars scalars;
    for (const auto& path : control_paths) {
        table.begin_file();
        table.add_all(reader.read(path), [&](const ControlRecord& record) {
            if (is_first) scalars.add(record);
        });
        if (is_first) scalars.put_into(data);
        const auto found = table.finish();
        // Courier fills one file after the other: the first has as many as any.
        if (is_first) recipients.expect(std::min(found.size() * py::len_hint(control_paths), kMaxExpected));
        is_first = false;
        append_recipients(recipients, found);
    }
    if (is_first) throw py::index_error("no control paths");
    data["r"] = recipients.take();
    return data;
}

}  // namespace pythonfilter::native
