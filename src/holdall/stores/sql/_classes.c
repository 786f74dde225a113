/* Whether the values of rows are of the classes their columns should have, and what is made of them; class_check.py and
   decoding.py do the same in Python.

   A code has a byte for each column: i, s, b and f for int, str, bytes and a finite number, "." for anything, in upper
   case ("!" for ".") where no null may be. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>
#include <math.h>

static int
is_of_class(PyObject *value, char code)
{
    switch (code) {
    case 'i':
        return PyLong_CheckExact(value);
    case 's':
        return PyUnicode_CheckExact(value);
    case 'b':
        return PyBytes_CheckExact(value);
    case 'f':
        return PyFloat_CheckExact(value) ? isfinite(PyFloat_AS_DOUBLE(value)) : PyLong_CheckExact(value);
    default:
        return 1;
    }
}

/* Whether rows, a list of tuples, are as the code says; NotImplemented for rows of another shape. */
static PyObject *
are_as_coded(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *rows;
    const char *code;
    Py_ssize_t width;
    if (!PyArg_ParseTuple(args, "Oy#", &rows, &code, &width)) {
        return NULL;
    }
    if (!PyList_CheckExact(rows)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++) {
        PyObject *row = PyList_GET_ITEM(rows, i);
        if (!PyTuple_CheckExact(row) || PyTuple_GET_SIZE(row) != width) {
            Py_RETURN_NOTIMPLEMENTED;
        }
        for (Py_ssize_t j = 0; j < width; j++) {
            PyObject *value = PyTuple_GET_ITEM(row, j);
            int is_nullable = code[j] == '.' || (code[j] >= 'a' && code[j] <= 'z');
            if (value == Py_None ? !is_nullable : !is_of_class(value, is_nullable ? code[j] : code[j] | ' ')) {
                Py_RETURN_FALSE;
            }
        }
    }
    Py_RETURN_TRUE;
}

static int
digits(const Py_UCS1 *text, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* The moment in a text of the form 2024-05-06 07:08:09.000000+00:00; NULL, without an error, for any other text. */
static PyObject *
moment_in(PyObject *value)
{
    if (!PyUnicode_CheckExact(value) || !PyUnicode_IS_COMPACT_ASCII(value) || PyUnicode_GET_LENGTH(value) != 32) {
        return NULL;
    }
    const Py_UCS1 *text = PyUnicode_1BYTE_DATA(value);
    if (text[4] != '-' || text[7] != '-' || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' ||
        text[16] != ':' || text[19] != '.' || memcmp(text + 26, "+00:00", 6) != 0) {
        return NULL;
    }
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    int hour = digits(text + 11, 2), minute = digits(text + 14, 2), second = digits(text + 17, 2);
    int microsecond = digits(text + 20, 6);
    if ((year | month | day | hour | minute | second | microsecond) < 0) {
        return NULL;
    }
    PyObject *moment = PyDateTimeAPI->DateTime_FromDateAndTime(year, month, day, hour, minute, second, microsecond,
                                                               PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType);
    if (moment == NULL) {
        PyErr_Clear(); /* there is no such day */
    }
    return moment;
}

/* The value that stands for one in a column of this letter; NULL, without an error, for what is not common. */
static PyObject *
decoded_value(PyObject *value, char code)
{
    int is_nullable = code == '.' || (code >= 'a' && code <= 'z');
    if (value == Py_None) {
        return is_nullable ? Py_NewRef(value) : NULL;
    }
    switch (code | ' ') {
    case 'o':
        if (PyLong_CheckExact(value)) {
            int is_beyond;
            long number = PyLong_AsLongAndOverflow(value, &is_beyond);
            if (!is_beyond && (number == 0 || number == 1)) {
                return PyBool_FromLong(number);
            }
        }
        return NULL;
    case 't':
        return moment_in(value);
    default:
        return is_of_class(value, is_nullable ? code : code | ' ') ? Py_NewRef(value) : NULL;
    }
}

/* Rows, a list of tuples, with what the code says made of their values: besides the letters above, o is a bool kept as
   a number and t a moment kept as text. NotImplemented where any of them is not as nearly all are. */
static PyObject *
decoded_as_coded(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *rows;
    const char *code;
    Py_ssize_t width;
    if (!PyArg_ParseTuple(args, "Oy#", &rows, &code, &width)) {
        return NULL;
    }
    if (!PyList_CheckExact(rows)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_ssize_t count = PyList_GET_SIZE(rows);
    PyObject *found = PyList_New(count);
    for (Py_ssize_t i = 0; found != NULL && i < count; i++) {
        PyObject *row = PyList_GET_ITEM(rows, i);
        if (!PyTuple_CheckExact(row) || PyTuple_GET_SIZE(row) != width) {
            goto uncommon;
        }
        PyObject *made = PyTuple_New(width);
        if (made == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyList_SET_ITEM(found, i, made);
        for (Py_ssize_t j = 0; j < width; j++) {
            PyObject *value = decoded_value(PyTuple_GET_ITEM(row, j), code[j]);
            if (value == NULL) {
                goto uncommon;
            }
            PyTuple_SET_ITEM(made, j, value);
        }
    }
    return found;
uncommon:
    Py_DECREF(found);
    Py_RETURN_NOTIMPLEMENTED;
}

static PyMethodDef methods[] = {
    {"are_as_coded", are_as_coded, METH_VARARGS, NULL},
    {"decoded_as_coded", decoded_as_coded, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_classes", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC
PyInit__classes(void)
{
    PyDateTime_IMPORT;
    PyObject *module = PyDateTimeAPI == NULL ? NULL : PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", 2) < 0) { /* of what it and class_check.py agree on */
        Py_CLEAR(module);
    }
    return module;
}
