"""Operations for tinytorch."""
