// 材料文件
export default {
  documents: {
    heading: "材料文件",
    none: "尚未收到材料。",
    no_file: "未附文件",
    drop: "将文件拖到这里，或",
    choose: "选择文件",
    choose_one: "选择文件",
    choose_another: "换一个文件",
    formats: "PDF、OFD、JPG、PNG、TIFF、DOCX、XLSX，每个不超过 128 MB",
    kind: "材料种类",
    add_file: "附文件",
    save_as: "下载 {name}",
    remove: "移除",
    remove_asked: "从本案移除“{name}”？已上传的文件仍保留在档。",
    give_up: "取消上传",
    sending: "正在上传 {name}",
    failed: "“{name}”未收下：{reason}",
    refused: {
      file_kind: "按文件内容，不是可收存的格式",
      file_macros: "文件含宏，请另存为不含宏的文件或 PDF",
      file_empty: "文件是空的",
    },
  },
};
