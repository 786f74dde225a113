/* The common write in C: a value of exactly the right type, to a field of a clean, changed or new record.

   What is not common is left to Python, which does the same and more; nothing behaves differently without this file.
   native.py says what a plan is, tracking.py what a track and a link are. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <structmember.h>

#ifdef Py_GIL_DISABLED
#error "written for one thread at a time"
#endif

#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))

enum { PLAN_SLOT, PLAN_TYPE, PLAN_NULLABLE, PLAN_HOLDS, PLAN_SIZE };

static PyTypeObject *tracked_type, *link_type, *track_type; /* set once, by learn */
static PyObject *dirty_state, *new_state;
static Py_ssize_t record_track;                                   /* where a record has its track, */
static Py_ssize_t link_edited, link_trusted, link_touch; /* a link these, */
static Py_ssize_t track_tracker, track_state, track_old;          /* and a track these */

static int
is_storable_text(PyObject *text)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0) {
        return -1;
    }
#endif
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    if (kind == PyUnicode_1BYTE_KIND) {
        return memchr(data, 0, length) == NULL;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c == 0 || Py_UNICODE_IS_SURROGATE(c)) {
            return 0;
        }
    }
    return 1;
}

/* Whether the value can go into the slot as it is; -1 with an error set. */
static int
fits(PyObject *plan, PyObject *value)
{
    PyObject *holds = PyTuple_GET_ITEM(plan, PLAN_HOLDS);
    if (holds != Py_None) {
        PyObject *answer = PyObject_CallOneArg(holds, value);
        int is_true = answer == NULL ? -1 : PyObject_IsTrue(answer);
        Py_XDECREF(answer);
        return is_true;
    }
    if (value == Py_None) {
        return PyTuple_GET_ITEM(plan, PLAN_NULLABLE) == Py_True;
    }
    if ((PyObject *)Py_TYPE(value) != PyTuple_GET_ITEM(plan, PLAN_TYPE)) {
        return 0;
    }
    if (PyUnicode_CheckExact(value)) {
        return is_storable_text(value);
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        return !overflow && number >= -LLONG_MAX;
    }
    if (PyDateTime_CheckExact(value)) {
        return PyDateTime_DATE_GET_TZINFO(value) == PyDateTime_TimeZone_UTC;
    }
    return !PyFloat_CheckExact(value) || isfinite(PyFloat_AS_DOUBLE(value));
}

/* A clean record becomes dirty. 1, or -1 with an error set and nothing changed. */
static int
make_dirty(PyObject *record, PyObject *link, PyObject *name, PyObject *current)
{
    PyObject *touch = Py_NewRef(SLOT(link, link_touch));
    PyObject *answer = PyObject_CallOneArg(touch, record);
    Py_DECREF(touch);
    if (answer == NULL) {
        return -1;
    }
    Py_DECREF(answer);
    PyObject *old = PyDict_New(), *made = NULL;
    if (old != NULL && PyDict_SetItem(old, name, current) == 0) {
        PyObject *args[] = {link, dirty_state, old};
        made = PyObject_Vectorcall((PyObject *)track_type, args, 3, NULL);
    }
    Py_XDECREF(old);
    if (made == NULL) {
        return -1;
    }
    PyObject_GC_UnTrack(made); /* it leads to no record; Python shows it to the collector when it comes to */
    Py_XSETREF(SLOT(record, record_track), made);
    return 1;
}

/* Keep the field's first old value. 1: store the new one; 0: this is for Python; -1: an error is set. */
static int
keep_old(PyObject *record, PyObject *name, PyObject *current, PyObject *value)
{
    PyObject *track = SLOT(record, record_track), *link = track, *old = NULL, *first = NULL;
    if (track == NULL) {
        return 1;
    }
    if (Py_IS_TYPE(track, track_type)) {
        link = SLOT(track, track_tracker);
        old = SLOT(track, track_old);
    }
    if (current == NULL || link == NULL || !Py_IS_TYPE(link, link_type) ||
        SLOT(link, link_edited) != Py_None || SLOT(link, link_trusted) != Py_None ||
        SLOT(link, link_touch) == NULL) {
        return 0;
    }
    if (link != track) {
        if (SLOT(track, track_state) == new_state) {
            return 1;
        }
        if (old == NULL || !PyDict_CheckExact(old)) {
            return 0;
        }
        first = PyDict_GetItemWithError(old, name);
        if (first == NULL && PyErr_Occurred()) {
            return -1;
        }
    }
    PyObject *before = first == NULL ? current : first, *held = old == NULL ? link : old;
    Py_INCREF(before); /* comparing and touching may run Python */
    Py_INCREF(current);
    Py_INCREF(held);
    int is_same = before == value;
    if (!is_same && Py_IS_TYPE(before, Py_TYPE(value))) {
        is_same = PyObject_RichCompareBool(before, value, Py_EQ);
    }
    int done = is_same;
    if (first != NULL) {
        done = is_same < 0 ? -1 : !is_same; /* set back: Python sees whether the record is clean again */
    }
    else if (!is_same) {
        done = old == NULL ? make_dirty(record, link, name, current)
               : PyDict_SetItem(old, name, current) < 0 ? -1 : 1;
    }
    Py_DECREF(before);
    Py_DECREF(current);
    Py_DECREF(held);
    return done;
}

/* Setattr(slow, {name: plan}) is a __setattr__ that calls slow(record, name, value) for what is not common. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *slow, *plans;
} Setattr;

static PyObject *
setattr_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *keywords)
{
    Setattr *own = (Setattr *)self;
    PyObject *plan = NULL;
    if (PyVectorcall_NARGS(nargsf) == 3 && keywords == NULL && PyUnicode_CheckExact(args[1])) {
        plan = PyDict_GetItemWithError(own->plans, args[1]);
        if (plan == NULL && PyErr_Occurred()) {
            return NULL;
        }
    }
    PyMemberDescrObject *slot = plan == NULL ? NULL : (PyMemberDescrObject *)PyTuple_GET_ITEM(plan, PLAN_SLOT);
    if (slot != NULL && PyObject_TypeCheck(args[0], PyDescr_TYPE(slot))) {
        PyObject **place = &SLOT(args[0], slot->d_member->offset);
        int done = fits(plan, args[2]);
        if (done > 0) {
            done = keep_old(args[0], PyDescr_NAME(slot), *place, args[2]);
        }
        if (done < 0) {
            return NULL;
        }
        if (done > 0) {
            Py_INCREF(args[2]);
            Py_XSETREF(*place, args[2]);
            Py_RETURN_NONE;
        }
    }
    return PyObject_Vectorcall(own->slow, args, nargsf, keywords);
}

/* Whether this is a tuple of plans; with an error set if not. */
static int
are_plans(PyObject *plans)
{
    int all = plans != NULL && record_track > 0;
    for (Py_ssize_t i = 0; all && i < PyTuple_GET_SIZE(plans); i++) {
        PyObject *plan = PyTuple_GET_ITEM(plans, i);
        all = PyTuple_CheckExact(plan) && PyTuple_GET_SIZE(plan) == PLAN_SIZE &&
              Py_IS_TYPE(PyTuple_GET_ITEM(plan, PLAN_SLOT), &PyMemberDescr_Type) &&
              PyType_IsSubtype(PyDescr_TYPE(PyTuple_GET_ITEM(plan, PLAN_SLOT)), tracked_type);
    }
    if (!all && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "plans are tuples of slot, type, nullable and holds, after learn()");
    }
    return all;
}

static PyObject *
setattr_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    PyObject *slow, *plans, *values;
    if (!PyArg_ParseTuple(args, "OO!", &slow, &PyDict_Type, &plans)) {
        return NULL;
    }
    PyObject *list = PyDict_Values(plans);
    values = list == NULL ? NULL : PyList_AsTuple(list);
    Setattr *made = are_plans(values) ? (Setattr *)type->tp_alloc(type, 0) : NULL;
    Py_XDECREF(list);
    Py_XDECREF(values);
    if (made != NULL) {
        made->call = setattr_call;
        made->slow = Py_NewRef(slow);
        made->plans = Py_NewRef(plans);
    }
    return (PyObject *)made;
}

static int
setattr_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Setattr *)self)->slow);
    Py_VISIT(((Setattr *)self)->plans);
    return 0;
}

static int
setattr_clear(PyObject *self)
{
    Py_CLEAR(((Setattr *)self)->slow);
    Py_CLEAR(((Setattr *)self)->plans);
    return 0;
}

static void
setattr_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    setattr_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
setattr_get(PyObject *self, PyObject *record, PyObject *Py_UNUSED(model))
{
    return record == NULL ? Py_NewRef(self) : PyMethod_New(self, record);
}

static PyTypeObject setattr_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "holdall.model._write.Setattr",
    .tp_basicsize = sizeof(Setattr),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = setattr_new,
    .tp_dealloc = setattr_dealloc,
    .tp_traverse = setattr_traverse,
    .tp_clear = setattr_clear,
    .tp_vectorcall_offset = offsetof(Setattr, call),
    .tp_call = PyVectorcall_Call,
    .tp_descr_get = setattr_get,
};

/* Construct(slow, model, names, plans, defaults, after, hooks, run_hooks) is a constructor that calls slow(model, **values)
   for what is not common. A name is None for a field that no caller gives. A plan is as above, or (admit, nullable) for a
   value that Python has to look at. A default is (value, None), (None, factory), or None where a value must be given. */
typedef struct {
    PyObject_HEAD
    PyObject *slow, *model, *names, *plans, *defaults, *after, *hooks, *run_hooks;
} Construct;

enum { MOST_ON_STACK = 32 };
static vectorcallfunc make_struct; /* what msgspec makes every struct by */

/* Take the values that are given, those left out by their default. 1; 0: this is for Python; -1: an error is set. */
static int
take_given(Construct *own, PyObject *keywords, PyObject **values)
{
    Py_ssize_t count = PyTuple_GET_SIZE(own->names), used = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(own->names, i), *value = NULL;
        if (keywords != NULL && name != Py_None) {
            value = PyDict_GetItemWithError(keywords, name);
            if (value == NULL && PyErr_Occurred()) {
                return -1;
            }
            used += value != NULL;
        }
        if (value == NULL) {
            PyObject *other = PyTuple_GET_ITEM(own->defaults, i);
            if (other == Py_None) {
                return 0;
            }
            value = PyTuple_GET_ITEM(other, 1) == Py_None ? PyTuple_GET_ITEM(other, 0) : NULL;
        }
        values[i] = Py_XNewRef(value); /* NULL where a factory makes it */
    }
    return keywords == NULL || used == PyDict_GET_SIZE(keywords);
}

/* Make what is missing and look at every value. Answers as take_given. */
static int
admit_all(Construct *own, PyObject **values)
{
    PyObject *errors = NULL;
    int done = 1;
    for (Py_ssize_t i = 0; done > 0 && i < PyTuple_GET_SIZE(own->names); i++) {
        PyObject *plan = PyTuple_GET_ITEM(own->plans, i);
        if (values[i] == NULL) {
            values[i] = PyObject_CallNoArgs(PyTuple_GET_ITEM(PyTuple_GET_ITEM(own->defaults, i), 1));
            if (values[i] == NULL) {
                done = -1;
                break;
            }
        }
        if (PyTuple_GET_SIZE(plan) == PLAN_SIZE) {
            done = fits(plan, values[i]);
        }
        else if (values[i] != Py_None || PyTuple_GET_ITEM(plan, 1) != Py_True) {
            PyObject *admitted = NULL;
            if (errors != NULL || (errors = PyList_New(0)) != NULL) {
                admitted = PyObject_CallFunctionObjArgs(PyTuple_GET_ITEM(plan, 0), values[i], errors, NULL);
            }
            done = admitted == NULL ? -1 : PyList_GET_SIZE(errors) == 0;
            if (admitted != NULL) {
                Py_SETREF(values[i], admitted);
            }
        }
    }
    Py_XDECREF(errors);
    return done;
}

static PyObject *
construct_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    Construct *own = (Construct *)self;
    Py_ssize_t count = PyTuple_GET_SIZE(own->names);
    PyObject *on_stack[MOST_ON_STACK], **values = on_stack, *record = NULL;
    int done = PyTuple_GET_SIZE(args) == 1 && PyTuple_GET_ITEM(args, 0) == own->model;
    if (!done) {
        return PyObject_Call(own->slow, args, keywords);
    }
    if (count > MOST_ON_STACK && (values = PyMem_New(PyObject *, count)) == NULL) {
        return PyErr_NoMemory();
    }
    memset(values, 0, count * sizeof(PyObject *));
    done = take_given(own, keywords, values);
    if (done > 0) {
        done = admit_all(own, values);
    }
    if (done > 0) {
        record = make_struct(own->model, values, count, NULL);
        if (record != NULL && own->after != Py_None) {
            PyObject *answer = PyObject_CallOneArg(own->after, record);
            if (answer == NULL) {
                Py_CLEAR(record);
            }
            Py_XDECREF(answer);
        }
        if (record != NULL && PyList_GET_SIZE(own->hooks) > 0) {
            PyObject *answer = PyObject_CallOneArg(own->run_hooks, record);
            if (answer == NULL) {
                Py_CLEAR(record);
            }
            Py_XDECREF(answer);
        }
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_XDECREF(values[i]);
    }
    if (values != on_stack) {
        PyMem_Free(values);
    }
    return done == 0 ? PyObject_Call(own->slow, args, keywords) : record;
}

/* Whether each of the tuples says something of each field; with an error set if not. */
static int
are_fields(PyObject *names, PyObject *plans, PyObject *defaults)
{
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    int all = make_struct != NULL && PyTuple_GET_SIZE(plans) == count && PyTuple_GET_SIZE(defaults) == count;
    for (Py_ssize_t i = 0; all && i < count; i++) {
        PyObject *plan = PyTuple_GET_ITEM(plans, i), *other = PyTuple_GET_ITEM(defaults, i);
        all = PyTuple_CheckExact(plan) && (PyTuple_GET_SIZE(plan) == PLAN_SIZE || PyTuple_GET_SIZE(plan) == 2) &&
              (other == Py_None || (PyTuple_CheckExact(other) && PyTuple_GET_SIZE(other) == 2));
    }
    if (!all) {
        PyErr_SetString(PyExc_TypeError, "names, plans and defaults are tuples with an item for each field");
    }
    return all;
}

static PyObject *
construct_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    PyObject *slow, *model, *names, *plans, *defaults, *after, *hooks, *run_hooks;
    if (!PyArg_ParseTuple(args, "OO!O!O!O!OO!O", &slow, &PyType_Type, &model, &PyTuple_Type, &names, &PyTuple_Type,
                          &plans, &PyTuple_Type, &defaults, &after, &PyList_Type, &hooks, &run_hooks) ||
        !are_fields(names, plans, defaults)) {
        return NULL;
    }
    if (((PyTypeObject *)model)->tp_vectorcall != make_struct) {
        PyErr_SetString(PyExc_TypeError, "the model is no struct as msgspec makes them");
        return NULL;
    }
    Construct *made = (Construct *)type->tp_alloc(type, 0);
    if (made != NULL) {
        made->slow = Py_NewRef(slow);
        made->model = Py_NewRef(model);
        made->names = Py_NewRef(names);
        made->plans = Py_NewRef(plans);
        made->defaults = Py_NewRef(defaults);
        made->after = Py_NewRef(after);
        made->hooks = Py_NewRef(hooks);
        made->run_hooks = Py_NewRef(run_hooks);
    }
    return (PyObject *)made;
}

#define EACH_OF_CONSTRUCT(DO)                                                                                          \
    DO(((Construct *)self)->slow);                                                                                     \
    DO(((Construct *)self)->model);                                                                                    \
    DO(((Construct *)self)->names);                                                                                    \
    DO(((Construct *)self)->plans);                                                                                    \
    DO(((Construct *)self)->defaults);                                                                                 \
    DO(((Construct *)self)->after);                                                                                    \
    DO(((Construct *)self)->hooks);                                                                                    \
    DO(((Construct *)self)->run_hooks)

static int
construct_traverse(PyObject *self, visitproc visit, void *arg)
{
    EACH_OF_CONSTRUCT(Py_VISIT);
    return 0;
}

static int
construct_clear(PyObject *self)
{
    EACH_OF_CONSTRUCT(Py_CLEAR);
    return 0;
}

static void
construct_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    construct_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef construct_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Construct, slow), READONLY, NULL}, /* where its signature is found */
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject construct_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "holdall.model._write.Construct",
    .tp_basicsize = sizeof(Construct),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = construct_new,
    .tp_dealloc = construct_dealloc,
    .tp_traverse = construct_traverse,
    .tp_clear = construct_clear,
    .tp_call = construct_call,
    .tp_members = construct_members,
    .tp_descr_get = setattr_get,
};

static Py_ssize_t
offset_of(PyTypeObject *type, const char *name)
{
    PyObject *slot = PyObject_GetAttrString((PyObject *)type, name);
    Py_ssize_t offset = -1;
    if (slot != NULL && Py_IS_TYPE(slot, &PyMemberDescr_Type)) {
        offset = ((PyMemberDescrObject *)slot)->d_member->offset;
    }
    else if (slot != NULL) {
        PyErr_Format(PyExc_TypeError, "%s is not a slot", name);
    }
    Py_XDECREF(slot);
    return offset;
}

/* Take note of the classes and states that a write deals with. */
static PyObject *
learn(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyTypeObject *some_struct;
    if (!PyArg_ParseTuple(args, "O!O!O!OOO!", &PyType_Type, &tracked_type, &PyType_Type, &link_type, &PyType_Type,
                          &track_type, &dirty_state, &new_state, &PyType_Type, &some_struct)) {
        return NULL;
    }
    make_struct = some_struct->tp_vectorcall;
    Py_INCREF(args); /* and so all of them, for good */
    struct {
        PyTypeObject *type;
        const char *name;
        Py_ssize_t *offset;
    } slots[] = {
        {link_type, "edited", &link_edited}, {link_type, "trusted", &link_trusted},
        {link_type, "touch", &link_touch},   {track_type, "link", &track_tracker},
        {track_type, "state", &track_state},       {track_type, "old", &track_old},
        {tracked_type, "_track", &record_track},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(slots); i++) {
        *slots[i].offset = offset_of(slots[i].type, slots[i].name);
        if (*slots[i].offset < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* Have the records of a list tracked by this, whatever tracked them before. */
static PyObject *
track_all(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *records, *track;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &records, &track)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(records); i++) {
        PyObject *record = PyList_GET_ITEM(records, i);
        if (!PyObject_TypeCheck(record, tracked_type)) {
            return PyErr_Format(PyExc_TypeError, "a %s is no record", Py_TYPE(record)->tp_name);
        }
        PyObject *before = SLOT(record, record_track);
        SLOT(record, record_track) = Py_NewRef(track);
        Py_XDECREF(before);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"track_all", track_all, METH_VARARGS, NULL},
    {"learn", learn, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_write", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC
PyInit__write(void)
{
    PyDateTime_IMPORT;
    PyObject *module = PyDateTimeAPI == NULL ? NULL : PyModule_Create(&definition);
    if (module == NULL || PyModule_AddType(module, &setattr_type) < 0 ||
        PyModule_AddType(module, &construct_type) < 0 || PyModule_AddIntConstant(module, "VERSION", 3) < 0) { /* of what this file and native.py agree on */
        Py_CLEAR(module);
    }
    return module;
}
