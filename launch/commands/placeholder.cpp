// Placeholder: delete when this folder has its first source.
