/* Whether the values of rows are of the classes their columns should have; class_check.py does the same in Python.

   A code has a byte for each column: i, s, b and f for int, str, bytes and a finite number, "." for anything, in upper
   case ("!" for ".") where no null may be. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
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

static PyMethodDef methods[] = {
    {"are_as_coded", are_as_coded, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_classes", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC
PyInit__classes(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddIntConstant(module, "VERSION", 1) < 0) { /* of what it and class_check.py agree on */
        Py_CLEAR(module);
    }
    return module;
}
