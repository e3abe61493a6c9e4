"""What a step consists of while it runs.

operation.py   kernels, products, passes: one call each          work.py       how much a call does
watching.py    who looks on                                      faults.py     what numba refuses, told as an error
buffers.py     the arrays that a layer works in                  gemm.py       BLAS
chain.py       between layers: normalizations, the cost          weights.py, update.py   passes over the weights
blocks.py      kernels that threads share                       threads.py     the threads
transpose.py   matrices turned for the lanes of `backward`
"""
