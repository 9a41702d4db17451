"""The parts of the vector form: the operations of the scalar reference on arrays, by integer instructions
only.
"""
