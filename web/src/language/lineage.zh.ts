// 分割合并，以及注销、异议、预告、查封案件的文字。
export default {
  lineage: {
    heading: "分割合并", came_from: "来源", became: "去向", told_split: "{on} 分割", told_merge: "{on} 合并", split_or_merge: "分割/合并", title: "{name}：分割/合并",
    way_cut: "按线分割", way_shapes: "按图形分割", way_merge: "合并", others: "与之合并的", heir: "合并后的图形已登记或已导入（可不选）", search: "输入编号、名称或坐落查找",
    text_cut: "分割线", text_shapes: "分割后的各块图形", text_merge: "合并后的图形", text_like: "LINESTRING(111.6 26.4, 111.7 26.4) 或 GeoJSON",
    text_about: "粘贴 WKT（一行一个）或 GeoJSON，经纬度（CGCS2000）；也可把文件拖到此处，或", choose_file: "选择文件", preview: "预览并比对面积",
    not_understood: "既不是 WKT，也不是 GeoJSON", a_line_is_wanted: "请给出一条分割线", shapes_are_wanted: "请至少给出两块图形", others_are_wanted: "请选择与之合并的宗地或楼栋", one_shape_is_wanted: "请给出合并后的一个图形，或选择已登记的",
    drawing: "变更后的图形", before: "变更前面积", after: "变更后面积", missing: "未覆盖", outside: "超出原界", overlap: "相互重叠", tolerance: "容差（千分之一）",
    conserved: "变更前后界址相符、面积守恒。", not_conserved: "变更前后面积不守恒（GEO-14），不能保存。请按权籍调查成果改正图形。",
    area: "面积", code: "编号", name: "名称", on: "变更日期", survey: "权籍调查成果", consent: "自然资源主管部门意见", reason: "变更事由", unit_code: "不动产单元代码", record: "登记分割合并", recorded: "已登记，旧的终止，新的自变更日起生效", take_plan: "写入案件",
    needs_case: "其上有现势权利，分割合并须经登记案件办理。", plan: "分割合并方案", plan_of: "{from} 个变为 {to} 个", enter_plan: "填写方案", change_plan: "修改方案", no_plan: "尚未填写方案", piece: "第 {n} 块", rooms: "房间归入哪一栋", into: "归入", room_count: "房间数", use_area: "使用面积", building_area: "建筑面积", registered_area: "证载建筑面积（㎡）", rooms_left: "还有 {n} 间没有说明归入哪一栋", rooms_settled: "每间房都已说明归入哪一栋", rooms_all_go: "房间连同租约、使用协议等一并归入合并后的楼栋。", rooms_too_much: "房间建筑面积之和超过该栋的证载面积（SPC-11），保存后会列为问题。", floor: "{n} 层", whole_floor: "整层归入", choose_piece: "请选择", with_its_office: "随办公室",
  },
  lineage_refusal: {
    area_not_conserved: "变更前后面积不守恒（GEO-14），没有保存", cut_divides_nothing: "分割线没有把它分成两块：线须从界外进入、穿出", neither_split_nor_merge: "只能一变多（分割）或多变一（合并）",
    shape_unsound: "图形自相交或没有面积（GEO-01）", shape_missing: "其中有的没有图形，无法比对", unit_code_taken: "不动产单元代码已被使用过，代码不得重复使用（COD-02）", code_taken: "编号与原有的相同，或新的之间重复",
    title_case_needed: "其上有现势权利，须经登记案件办理", case_pending: "有登记案件尚未办结", policy_case_pending: "有处置或维修案件尚未办结", idle_record_open: "整体闲置的记录尚未结束，请先在变更日结束", rooms_unassigned: "有房间没有说明归入哪一栋", rooms_torn: "附属房间须与其办公室归入同一栋", room_elsewhere: "有房间已不在楼内，请重新预览",
    not_standing: "该日之后另有变更，请选择更晚的日期", date_in_future: "日期在将来",
  },
  entry: {
    heading_objection: "拟记载的异议", heading_pre_notice: "拟记载的预告", heading_seizure: "拟记载的查封", holder_objection: "异议人", holder_pre_notice: "预告登记权利人", holder_seizure: "查封机关",
    document: "依据文件", document_date: "文件日期", expires_on: "截止日期", registrable_on: "自此日起可以申请登记（90 日后失效）", advance: "预查封",
    about_objection: "登簿之日起 15 日内不起诉的失效（民法典第二百二十条）。", about_pre_notice: "自能够进行登记之日起 90 日内未申请的失效（民法典第二百二十一条）；日期未知时，登簿后再记载。", about_seizure: "查封期间不得转移；不影响已在办理的案件继续收件，但登簿时会被拦下。",
    end: "注销", end_cause: "注销事由", asset_status: "注销后的权属登记情况", open: "为权利负担立案", certificates: "各项权利的证号，一行一个，按方案次序",
  },
};
