class Type:
    def __call__(self, *arguments: Type) -> Type: ...

void: Type
int32: Type
int64: Type
uintp: Type
float32: Type
float64: Type
