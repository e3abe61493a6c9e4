class Id:
    scheme: str
    id: str

class ACL:
    id: Id
    perms: int
    @property
    def acl_list(self) -> list[str]: ...

def make_digest_acl(username: str, password: str, *, all: bool = ...) -> ACL: ...
